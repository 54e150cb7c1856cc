// Rolls the types of a module and of all that it imports up into one text.
import { rollup } from 'rollup'
import { dts } from 'rollup-plugin-dts'
import { at } from './run.mjs'

export async function rollUp(input) {
  const compilerOptions = { noEmit: false, declaration: true, stripInternal: true }
  const bundle = await rollup({
    input: at(input),
    external: /^node:/,
    plugins: [dts({ tsconfig: at('tsconfig.json'), compilerOptions })],
  })
  const { output } = await bundle.generate({ format: 'es' })
  await bundle.close()
  return output[0].code
}

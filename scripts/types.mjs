// `npm run types`: rolls the public types up from src/index.ts into the one file that is published, index.d.ts. `--check` compares.
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { rollup } from 'rollup'
import { dts } from 'rollup-plugin-dts'
import { at, Complaint, main } from './support/run.mjs'

const heading = '// The public types of midwire, rolled up from src/index.ts by `npm run types`. Not to be edited.\n\n'

async function rollUp() {
  const compilerOptions = { noEmit: false, declaration: true, stripInternal: true }
  const bundle = await rollup({
    input: at('src/index.ts'),
    external: /^node:/,
    plugins: [dts({ tsconfig: at('tsconfig.json'), compilerOptions })],
  })
  const { output } = await bundle.generate({ format: 'es' })
  await bundle.close()
  return heading + output[0].code
}

await main(async () => {
  const types = await rollUp()
  if (!process.argv.includes('--check')) writeFileSync(at('index.d.ts'), types)
  else if (!existsSync(at('index.d.ts')) || readFileSync(at('index.d.ts'), 'utf8') !== types) {
    throw new Complaint('index.d.ts is not what src/index.ts says: run `npm run types` and look at the difference')
  }
})

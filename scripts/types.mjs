// `npm run types`: rolls the public types up from src/index.ts into the one file that is published, index.d.ts. `--check` compares.
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { rollUp } from './support/roll-up.mjs'
import { at, Complaint, main } from './support/run.mjs'

const heading = '// The public types of midwire, rolled up from src/index.ts by `npm run types`. Not to be edited.\n\n'

await main(async () => {
  const types = heading + (await rollUp('src/index.ts'))
  if (!process.argv.includes('--check')) writeFileSync(at('index.d.ts'), types)
  else if (!existsSync(at('index.d.ts')) || readFileSync(at('index.d.ts'), 'utf8') !== types) {
    throw new Complaint('index.d.ts is not what src/index.ts says: run `npm run types` and look at the difference')
  }
})

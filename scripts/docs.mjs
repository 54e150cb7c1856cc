// `npm run docs`: pages about the public types, from index.d.ts, in target/docs. `--check` writes none; a warning is an error in both.
import { existsSync, readFileSync } from 'node:fs'
import { at, Complaint, main, output, run } from './support/run.mjs'

const folder = at('scripts/docs')

/** Installs typedoc where it is missing, or is another version than the lock file says. It has a folder of its own because it needs TypeScript 6. */
function install() {
  const version = (path) => (existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')).version : undefined)
  const { packages } = JSON.parse(readFileSync(at('scripts/docs/package-lock.json'), 'utf8'))
  const wanted = packages['node_modules/typedoc'].version
  if (version(at('scripts/docs/node_modules/typedoc/package.json')) === wanted) return
  run('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--prefix', folder], {
    shell: process.platform === 'win32',
  })
}

await main(() => {
  install()
  const typedoc = at('scripts/docs/node_modules/typedoc/bin/typedoc')
  const options = ['--options', at('scripts/docs/typedoc.json')]
  if (output(process.execPath, [typedoc, '--version']) === undefined) throw new Complaint('typedoc cannot be started')
  run(process.execPath, [typedoc, ...options, ...(process.argv.includes('--check') ? ['--emit', 'none'] : [])])
})

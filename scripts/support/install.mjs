// node_modules as package-lock.json wants it: npm is asked only when it differs.
import { existsSync, readFileSync } from 'node:fs'
import { at, npm, say } from './run.mjs'

const packages = (path) => (existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')).packages : {})

/** npm notes what it installed in a lock file of its own; packages for other platforms are missing there and may be. */
function isInstalled() {
  const installed = packages(at('node_modules', '.package-lock.json'))
  return Object.entries(packages(at('package-lock.json'))).every(
    ([path, { version, optional, devOptional, peer }]) =>
      path === '' || optional || devOptional || peer || installed[path]?.version === version,
  )
}

export function installPackages() {
  if (isInstalled()) return
  say('installing the npm packages')
  npm(['ci', '--no-audit', '--no-fund'])
}

// node_modules as package-lock.json wants it: npm is asked only when it differs.
import { existsSync, readFileSync } from 'node:fs'
import { at, npm, say } from './run.mjs'

const packages = (path) => (existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')).packages : {})

/** npm notes what it installed in a lock file of its own; packages for other platforms are missing there and may be. */
function isInstalled(folder) {
  const installed = packages(at(folder, 'node_modules', '.package-lock.json'))
  return Object.entries(packages(at(folder, 'package-lock.json'))).every(
    ([path, { version, optional, devOptional, peer }]) =>
      path === '' || optional || devOptional || peer || installed[path]?.version === version,
  )
}

export function installPackages(folder = '.') {
  if (isInstalled(folder)) return
  say(`installing the npm packages${folder === '.' ? '' : ` of ${folder}`}`)
  npm(['ci', '--no-audit', '--no-fund', ...(folder === '.' ? [] : ['--ignore-scripts', '--prefix', at(folder)])])
}

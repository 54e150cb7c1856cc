// `npm run lint`: formats, lints, types and licences. Every check runs, then the failed ones are named.
import { installPackages } from './support/install.mjs'
import { binary, Complaint, main, run, say } from './support/run.mjs'
import { needCrate } from './support/tools.mjs'

const node = (packageName, command, ...args) => [process.execPath, [binary(packageName, command), ...args]]

await main(() => {
  installPackages()
  installPackages('src/web/app')
  needCrate('cargo-deny')
  const checks = {
    'cargo fmt': ['cargo', ['fmt', '--all', '--check']],
    'cargo fmt (fuzz targets)': ['cargo', ['fmt', '--manifest-path', '__test__/fuzz/Cargo.toml', '--check']],
    clippy: [
      'cargo',
      ['clippy', '-p', 'midwire-wire', '-p', 'midwire-tls', '--all-targets', '--locked', '--', '-D', 'warnings'],
    ],
    // Its test build has no exports, and so no users of half of it; its tests are TypeScript's.
    'clippy native': ['cargo', ['clippy', '-p', 'midwire', '--lib', '--locked', '--', '-D', 'warnings']],
    biome: node('@biomejs/biome', 'biome', 'check', '--error-on-warnings', '.'),
    tsc: node('typescript', 'tsc', '-p', 'tsconfig.json', '--noEmit'),
    'tsc (page)': node('typescript', 'tsc', '-p', 'src/web/app/tsconfig.json'),
    typedoc: [process.execPath, ['scripts/docs.mjs', '--check']],
    'cargo deny': ['cargo-deny', ['--locked', 'check', 'licenses', 'bans', 'sources']],
  }
  const failed = Object.entries(checks).filter(([name, [command, args]]) => {
    say(name)
    try {
      run(command, args)
      return false
    } catch (error) {
      if (error instanceof Complaint) return true
      throw error
    }
  })
  if (failed.length) throw new Complaint(`failed: ${failed.map(([name]) => name).join(', ')}`)
  say('nothing to complain about')
})

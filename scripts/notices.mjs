// `npm run notices`: the licences of everything that is linked into an addon, written beside it before it is published.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { at, Complaint, main, output } from './support/run.mjs'

/** The crates that end up in the binary of one target: what is reached from ours without build tools, tests and macros. */
function linkedCrates(target) {
  const text = output('cargo', ['metadata', '--format-version', '1', '--locked', '--filter-platform', target])
  if (!text) throw new Complaint('cargo metadata failed')
  const { packages, resolve } = JSON.parse(text)
  const nodes = new Map(resolve.nodes.map((node) => [node.id, node]))
  const macros = new Set(packages.filter(({ targets }) => targets[0].kind.includes('proc-macro')).map(({ id }) => id))
  const reached = new Set()
  const visit = (id) => {
    if (reached.has(id) || macros.has(id)) return
    reached.add(id)
    for (const { pkg, dep_kinds } of nodes.get(id).deps) {
      if (dep_kinds.some(({ kind }) => kind === null)) visit(pkg)
    }
  }
  visit(resolve.root)
  // A crate without a source is one of ours.
  return packages.filter(({ id, source }) => reached.has(id) && source).sort((a, b) => (a.name < b.name ? -1 : 1))
}

function notice({ name, version, license, repository, manifest_path }) {
  const folder = dirname(manifest_path)
  const files = readdirSync(folder).filter((file) => /^(licen[cs]e|copying|notice|copyright)/i.test(file))
  // Where a crate offers a choice of licences, we take MIT.
  const mit = / OR |\//.test(license ?? '') ? files.filter((file) => /mit/i.test(file)) : []
  const texts = (mit.length ? mit : files)
    .sort()
    .map((file) => `\`\`\`\n${readFileSync(join(folder, file), 'utf8').trim()}\n\`\`\`\n`)
  return [`## ${name} ${version}`, `${license ?? 'see below'}, ${repository ?? ''}`, ...texts].join('\n\n')
}

/** The folder of npm/ that napi makes for a target, as `x86_64-unknown-linux-gnu` becomes `linux-x64-gnu`. */
function platformOf(target) {
  const [cpu, , system, abi] = target.split('-')
  return [{ windows: 'win32' }[system] ?? system, { x86_64: 'x64', aarch64: 'arm64' }[cpu], abi]
    .filter(Boolean)
    .join('-')
}

await main(() => {
  const { napi, version } = JSON.parse(readFileSync(at('package.json'), 'utf8'))
  for (const target of napi.targets) {
    const head = `# What is linked into this addon\n\n## midwire ${version}\n\n${readFileSync(at('LICENSE'), 'utf8').trim()}`
    const text = [head, ...linkedCrates(target).map(notice)].join('\n\n')
    writeFileSync(at('npm', platformOf(target), 'THIRD-PARTY.md'), text)
  }
})

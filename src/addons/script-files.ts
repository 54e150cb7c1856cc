// The files that a script is made of: its own, and those that it imports from its folder.
import { readFileSync, type Stats, statSync } from 'node:fs'
import { dirname, resolve, sep } from 'node:path'

/** The most files of a script that are looked at. */
const MAX_FILES = 100

/** `from './a.js'`, `import './a'`, `import('./a')`, `require('./a')`: files beside the script or below. */
const IMPORTS = /(?:\bfrom|\bimport|\brequire)\s*\(?\s*(['"])(\.{1,2}\/[^'"\n]+)\1/g

/** What a path without its ending, or with that of the compiled file, may stand for. */
const ENDINGS = ['', '.ts', '.mts', '.js', '.mjs', '.cjs', '.json', '/index.ts', '/index.js']

/** A text that is another one when one of the files has changed. Files that are gone, for the moment, count as empty. Never throws. */
export function versionOf(files: readonly string[]): string {
  return files
    .map((path) => {
      const { mtimeMs, size } = statOf(path) ?? { mtimeMs: 0, size: 0 }
      return `${path} ${mtimeMs} ${size}`
    })
    .join('\n')
}

/** The script's own file, and those that it imports from its folder, directly or not. */
export function filesOf(script: string): string[] {
  const folder = dirname(script) + sep
  const found = new Set([script])
  for (const path of found) {
    for (const [, , name = ''] of textOf(path).matchAll(IMPORTS)) {
      const imported = existing(resolve(dirname(path), name))
      if (imported?.startsWith(folder) && found.size < MAX_FILES) found.add(imported)
    }
  }
  return [...found]
}

function existing(path: string): string | undefined {
  const stem = path.replace(/\.[cm]?js$/, '')
  const candidates = [path, ...ENDINGS.map((ending) => path + ending), `${stem}.ts`, `${stem}.mts`]
  return candidates.find((one) => statOf(one)?.isFile())
}

function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}

/** Undefined for what cannot be looked at, whatever the reason: what a text names need not be a path at all. */
function statOf(path: string): Stats | undefined {
  try {
    return statSync(path)
  } catch {
    return undefined
  }
}

// midwire's version, which files name as that of their maker.
import { readFileSync } from 'node:fs'

const manifest = readFileSync(new URL(import.meta.resolve('midwire/package.json')), 'utf8')

export const { version } = JSON.parse(manifest) as { readonly version: string }

// `midwire cleanup`: removes what midwires that were killed have left on this machine.
import { readdir, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { MidwireError, removeLeftOvers } from '../index.js'
import type { Arguments } from './arguments.js'
import { DEMO_PREFIX } from './demo.js'
import { settle } from './settings.js'
import type { Streams } from './streams.js'
import { removeRules } from './transparent.js'
import { commandText } from './transparent-rules.js'

/** Milliseconds. A demonstration is over within seconds: its folder is left over after this time. */
const DEMO_LIFE = 60_000

/** Throws a MidwireError. */
export async function cleanup(args: Arguments, { stdout, stderr }: Streams): Promise<number> {
  if (args.words.length > 1) throw new MidwireError('ERR_ARGUMENT', 'midwire cleanup takes no words')
  const isDry = args.ofCommand.get('dry-run') === true
  const { confdir, options } = await settle(args)
  const files = await removeLeftOvers({ confdir, options, dryRun: isDry })
  for (const file of files) stdout.write(`${commandText(['rm', file])}\n`)
  for (const folder of await demoFolders()) {
    stdout.write(`${commandText(['rm', '-r', folder])}\n`)
    if (!isDry) await rm(folder, { recursive: true, force: true })
  }
  const problem = removeRules(stdout, isDry)
  if (problem !== undefined) stderr.write(`midwire: the rules of midwire transparent up: ${problem}\n`)
  return problem === undefined ? 0 : 1
}

/** The folders of demonstrations that were killed, of this user. */
async function demoFolders(): Promise<string[]> {
  const found: string[] = []
  for (const name of await readdir(tmpdir()).catch(() => [])) {
    if (!name.startsWith(DEMO_PREFIX)) continue
    const path = join(tmpdir(), name)
    const about = await stat(path).catch(() => undefined)
    const isOurs = process.getuid === undefined || about?.uid === process.getuid()
    if (about?.isDirectory() && isOurs && Date.now() - about.mtimeMs > DEMO_LIFE) found.push(path)
  }
  return found
}

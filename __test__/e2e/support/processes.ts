// The processes of a test file: started here, and ended with the file whatever happens, each by its own id.
import { type ChildProcess, type SpawnOptions, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { delimiter } from 'node:path'
import { within } from './wait.js'

// npm puts the programs of packages in front of the system's, and one of these is called nft, too.
process.env.PATH = (process.env.PATH ?? '')
  .split(delimiter)
  .filter((folder) => !folder.includes('node_modules'))
  .join(delimiter)

const running = new Set<ChildProcess>()

process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL')
})
// A signal's default action ends a process without the 'exit' event.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => process.exit(1))

/** Starts a program that is ended with this process at the latest. */
export function start(command: string, args: readonly string[], options: SpawnOptions): ChildProcess {
  const child = spawn(command, args, options)
  running.add(child)
  child.once('exit', () => running.delete(child))
  child.once('error', () => running.delete(child))
  return child
}

export async function stop(child: ChildProcess, signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const gone = once(child, 'exit')
  child.kill(signal)
  await within(5000, `process ${child.pid} to end after ${signal}`, gone)
}

/** Ends whatever is still running. */
export async function stopAll(): Promise<void> {
  await Promise.all([...running].map((child) => stop(child)))
}

export interface Outcome {
  code: number | null
  stdout: Buffer
  stderr: string
  ms: number
}

/** Runs a program to its end. Its exit code is the caller's to judge. */
export async function run(
  command: string,
  args: readonly string[],
  { input, timeout = 30_000, env }: { input?: string | Buffer; timeout?: number; env?: NodeJS.ProcessEnv } = {},
): Promise<Outcome> {
  const begin = performance.now()
  const child = start(command, args, { stdio: ['pipe', 'pipe', 'pipe'], ...(env && { env }) })
  const stdout: Buffer[] = []
  const stderr: Buffer[] = []
  child.stdout?.on('data', (chunk: Buffer) => stdout.push(chunk))
  child.stderr?.on('data', (chunk: Buffer) => stderr.push(chunk))
  // A program that does not read its input to the end has its reasons.
  child.stdin?.on('error', () => {})
  child.stdin?.end(input)
  try {
    const [code] = await within(timeout, `'${command} ${args.join(' ')}'`, once(child, 'close'))
    const ms = performance.now() - begin
    return { code, stdout: Buffer.concat(stdout), stderr: Buffer.concat(stderr).toString(), ms }
  } finally {
    child.kill('SIGKILL')
  }
}

/** Runs a short program at once, for setting up; a failure is an error with what the program said. */
export function must(command: string, args: readonly string[]): string {
  const result = spawnSync(command, args, { encoding: 'utf8', timeout: 10_000 })
  if (result.error) throw result.error
  if (result.status !== 0) throw new Error(`${command} ${args.join(' ')}: ${result.stderr.trim()}`)
  return result.stdout
}

/** The same where a failure is no error: tidying up what may be gone already. */
export function may(command: string, args: readonly string[]): string | undefined {
  const result = spawnSync(command, args, { encoding: 'utf8', timeout: 10_000 })
  return result.status === 0 ? result.stdout : undefined
}

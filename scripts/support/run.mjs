// Running other programs and saying what goes on: the one place where the scripts spawn anything.
import { spawn, spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const root = fileURLToPath(new URL('../..', import.meta.url))

/** A path inside the clone. */
export const at = (...parts) => join(root, ...parts)

/** Tools that the scripts install for themselves live in the clone, never in the system. */
export const toolsDirectory = at('.cache', 'bin')

/** The environment of everything the scripts run: their own tools come first, and colours survive the pipe. */
export const environment = (extra = {}) => ({
  ...process.env,
  PATH: `${toolsDirectory}${delimiter}${process.env.PATH ?? ''}`,
  ...extra,
})

/** A failure that needs a sentence and not a stack. */
export class Complaint extends Error {}

export function say(text) {
  process.stderr.write(`midwire: ${text}\n`)
}

/** Runs a program with our own input and output; a failure is a Complaint. */
export function run(command, args, options = {}) {
  const { env, ...rest } = options
  const result = spawnSync(command, args, { cwd: root, stdio: 'inherit', env: environment(env), ...rest })
  if (result.error) throw new Complaint(`${command} could not be started: ${result.error.message}`)
  if (result.status !== 0) {
    throw new Complaint(`${command} ${args.join(' ')} ended with ${result.signal ?? `exit code ${result.status}`}`)
  }
}

/** What a program prints, or undefined when it is missing or fails. */
export function output(command, args) {
  const result = spawnSync(command, args, { cwd: root, encoding: 'utf8', env: environment() })
  return result.status === 0 ? result.stdout : undefined
}

/**
 * Runs a program, passes every line of its output to `onLine`, and gives its exit code (a signal counts as 1). `onStart` gets the process.
 */
export function follow(command, args, onLine, onStart = () => {}) {
  return new Promise((resolve) => {
    const child = spawn(command, args, { cwd: root, stdio: ['ignore', 'pipe', 'inherit'], env: environment() })
    onStart(child)
    let rest = ''
    child.stdout.setEncoding('utf8')
    child.stdout.on('data', (chunk) => {
      const lines = (rest + chunk).split('\n')
      rest = lines.pop()
      for (const line of lines) onLine(line)
    })
    child.on('error', (error) => {
      say(`${command} could not be started: ${error.message}`)
      resolve(1)
    })
    // What a test has left running may hold the output open for ever: the end of the program is the end.
    child.on('exit', (code) => {
      const end = () => {
        if (rest) onLine(rest)
        rest = ''
        child.stdout.destroy()
        resolve(code ?? 1)
      }
      child.on('close', end)
      setTimeout(end, 5000).unref()
    })
  })
}

/** Runs npm with the Node that runs us; `npm_execpath` is set whenever npm started us. */
export function npm(args) {
  const cli = process.env.npm_execpath
  if (cli && existsSync(cli)) run(process.execPath, [cli, ...args])
  else run(process.platform === 'win32' ? 'npm.cmd' : 'npm', args, { shell: process.platform === 'win32' })
}

/** The script behind a command of a package that is installed in `folder`, to be run by `process.execPath` without a shell between. */
export function binary(packageName, command, folder = '.') {
  const { bin } = JSON.parse(readFileSync(at(folder, 'node_modules', packageName, 'package.json'), 'utf8'))
  return at(folder, 'node_modules', packageName, typeof bin === 'string' ? bin : bin[command])
}

/** Runs `main`, turning a Complaint into one line and exit code 1. */
export async function main(action) {
  try {
    await action()
  } catch (error) {
    if (!(error instanceof Complaint)) throw error
    say(error.message)
    process.exitCode = 1
  }
}

// Ends a runner of tests that has fallen silent: says which of its processes are left and what they wait for, and kills those.
import { readdirSync, readFileSync } from 'node:fs'
import { say } from './run.mjs'

/**
 * Watches a runner's output; call the returned function with each line, and `end` when the runner is over. After so many milliseconds
 * without a line the processes that the runner has started are killed, so that the runner counts them as failed and goes on; a
 * runner that is silent for as long again is killed itself. ava's own limit does not help here: while a test with a longer
 * limit of its own runs it is not looked at, and it is not set again afterwards (ava 7.0, lib/api.js, TimeoutTrigger).
 */
export function watchSilence(child, milliseconds) {
  let strikes = 0
  const timer = setInterval(() => {
    strikes += 1
    const left = descendants(child.pid)
    say(`no test has said anything for ${milliseconds / 60_000} minutes; what is left:`)
    for (const pid of left) say(description(pid))
    for (const pid of strikes === 1 && left.length > 0 ? left : [...left, child.pid]) kill(pid)
  }, milliseconds)
  return {
    line: () => {
      strikes = 0
      timer.refresh()
    },
    end: () => clearInterval(timer),
  }
}

function kill(pid) {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // It has ended by itself meanwhile.
  }
}

/** The processes below a process, by Linux's /proc; none on other systems, where the runner alone is killed. */
function descendants(pid) {
  const children = new Map()
  for (const name of list('/proc').filter((name) => /^\d+$/.test(name))) {
    // The name of the program stands in parentheses, and may have spaces and parentheses in it.
    const [, parent] = /^.*\) \S (\d+)/s.exec(read(`/proc/${name}/stat`)) ?? []
    if (parent) children.set(Number(parent), [...(children.get(Number(parent)) ?? []), Number(name)])
  }
  const below = (of) => (children.get(of) ?? []).flatMap((one) => [one, ...below(one)])
  return below(pid)
}

/** The command of a process, and of each of its threads its name, its state and the kernel's function that it waits in. */
function description(pid) {
  const command = read(`/proc/${pid}/cmdline`).replaceAll('\0', ' ').slice(0, 200)
  const threads = list(`/proc/${pid}/task`).map((thread) => {
    const at = `/proc/${pid}/task/${thread}`
    const state = /\) (\S)/.exec(read(`${at}/stat`))?.[1] ?? '?'
    return `${read(`${at}/comm`).trim()} ${state} ${read(`${at}/wchan`) || '-'}`
  })
  return `  ${pid} ${command}: ${threads.join(', ')}`
}

function list(folder) {
  try {
    return readdirSync(folder)
  } catch {
    return []
  }
}

function read(path) {
  try {
    return readFileSync(path, 'latin1')
  } catch {
    return ''
  }
}

// `midwire web [filter]`: the proxy with its page, which a browser opens.
import { spawn } from 'node:child_process'
import { startWeb } from '../web/index.js'
import type { Arguments } from './arguments.js'
import { runUntilEnd } from './run.js'
import type { Streams } from './streams.js'
import { version } from './version.js'

/** Runs until the proxy ends, and returns the exit code. Throws a MidwireError. */
export function web(args: Arguments, streams: Streams): Promise<number> {
  const allowChanges = args.ofCommand.has('allow-changes')
  return runUntilEnd(args, args.words.slice(1), streams, async (proxy) => {
    const { entrance } = await startWeb(proxy, { version, allowChanges })
    if (streams.stdout.isTTY && proxy.options.snapshot.web_open_browser) openBrowser(entrance)
    return `The page: ${entrance}\n`
  })
}

const OPENERS: Partial<Record<NodeJS.Platform, readonly string[]>> = {
  darwin: ['open'],
  win32: ['rundll32', 'url.dll,FileProtocolHandler'],
}

/** Where there is no browser, the user has the URL. */
function openBrowser(url: string): void {
  const [command = 'xdg-open', ...first] = OPENERS[process.platform] ?? []
  const browser = spawn(command, [...first, url], { stdio: 'ignore', detached: true })
  browser.on('error', () => {})
  browser.unref()
}

// The built-in addons that exist only while an option has a value, in the order in which they run. Without the value no hook is theirs.
import type { AnyFlow } from '../flow/index.js'
import type { FlowRecord } from '../flow/record.js'
import type { Addon, LogLevel } from '../hooks.js'
import type { OptionName, Options } from '../options/definitions.js'
import { anticache } from './anticache.js'
import { anticomp } from './anticomp.js'
import { blockList } from './block-list.js'
import { hardump } from './hardump.js'
import { intercept } from './intercept.js'
import { mapLocal } from './map-local.js'
import { mapRemote } from './map-remote.js'
import { modifyBody } from './modify-body.js'
import { modifyHeaders } from './modify-headers.js'
import { protobufDefinitions } from './protobuf-definitions.js'
import { proxyauth } from './proxyauth.js'
import { readfile } from './readfile.js'
import { save } from './save.js'
import { stickyauth } from './stickyauth.js'
import { stickycookie } from './stickycookie.js'
import { throttle } from './throttle.js'

/** The services of the proxy for these addons. */
export interface Surroundings {
  log(level: LogLevel, message: string): void
  /** The path that a user has written: `~` is the home directory. */
  path(written: string): string
  /**
   * Counts work that the command stays for until the promise is settled: a file that is read, flows that are replayed. Call it in
   * the hook `running` at the latest. Where the promise is rejected, the error is logged, and the command ends with 1.
   */
  job(work: PromiseLike<unknown>): void
  /** Runs the hooks of a flow that does not run, because it comes from a file, and then gives the flow to the outputs. `before`: the flow as it was before it was changed. */
  load(flow: AnyFlow, before: FlowRecord | undefined): Promise<void>
  /** A flow that an output is given, as files have it: with what it was before it was changed. */
  record(flow: AnyFlow): FlowRecord
}

/** What is told of flows that are over. */
export interface Output {
  flow(flow: AnyFlow): void
  /** Fulfilled when the output can take more; undefined where that is now. What reads flows from files waits for this. */
  ready?(): Promise<void> | undefined
  /** Writes what it has, and ends. */
  close(): void | Promise<void>
}

export interface OptionAddon extends Addon {
  /** Told of flows while the addon is there, and closed when the addon goes. An output makes no body wait, as a hook does. */
  readonly output?: Output
}

/** An option with its addon. `make` throws ERR_OPTION for a value that is wrong. */
export type ByOption = {
  [Name in OptionName]: {
    readonly option: Name
    /** A second option, without which the addon is not there either. */
    readonly and?: 'intercept_active'
    make(value: NonNullable<Options[Name]>, surroundings: Surroundings): OptionAddon
  }
}[OptionName]

/** The order is mitmproxy's, as far as it matters: what blocks comes first, and URLs are mapped before bodies are changed. */
export const BY_OPTION: readonly ByOption[] = [
  { option: 'proxyauth', make: proxyauth },
  { option: 'block_list', make: blockList },
  { option: 'throttle', make: throttle },
  { option: 'anticache', make: anticache },
  { option: 'anticomp', make: anticomp },
  { option: 'modify_headers', make: modifyHeaders },
  { option: 'map_remote', make: mapRemote },
  { option: 'map_local', make: mapLocal },
  { option: 'modify_body', make: modifyBody },
  { option: 'stickyauth', make: stickyauth },
  { option: 'stickycookie', make: stickycookie },
  { option: 'protobuf_definitions', make: protobufDefinitions },
  { option: 'save_stream_file', make: save },
  { option: 'hardump', make: hardump },
  { option: 'rfile', make: readfile },
  // The last one: it shows what the others have made of a flow.
  { option: 'intercept', and: 'intercept_active', make: intercept },
]

// The addons that are always there, in the order in which they run.
import type { AnyFlow } from '../flow/index.js'
import type { FlowRecord } from '../flow/record.js'
import type { Addon } from '../hooks.js'
import type { Options } from '../options/definitions.js'
import { Views } from '../views/render.js'
import { block } from './block.js'
import { clientReplay } from './client-replay.js'
import { type CrlAuthority, crl } from './crl.js'
import { cutting } from './cut.js'
import { exporting } from './export.js'
import { type OnboardingAuthority, onboarding } from './onboarding.js'
import type { ReplayHost } from './replay-host.js'
import { saving } from './save-commands.js'
import { serverReplay } from './server-replay.js'
import { viewing } from './viewing.js'

/** `resolver` has the addresses of the tunnels' resolvers: they serve the onboarding page, too. `recordOf` gives flows as files have them. */
export function builtinAddons(
  { onboarding_host }: Pick<Options, 'onboarding_host'>,
  authority: OnboardingAuthority & CrlAuthority,
  resolver: readonly string[] = [],
  views: Views = new Views(),
  recordOf?: (flow: AnyFlow) => FlowRecord,
): Addon[] {
  return [
    block(),
    crl(authority),
    onboarding({ host: onboarding_host, resolver, authority }),
    exporting(),
    cutting(),
    viewing(views),
    saving(recordOf),
  ]
}

/** Those that replay flows; they run behind the others. */
export const replayAddons = (host: ReplayHost): Addon[] => [clientReplay(host), serverReplay(host)]

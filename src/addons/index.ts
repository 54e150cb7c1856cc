// The addons that are always there, in the order in which they run.
import type { Addon } from '../hooks.js'
import type { Options } from '../options.js'
import { block } from './block.js'
import { type CrlAuthority, crl } from './crl.js'
import { type OnboardingAuthority, onboarding } from './onboarding.js'

/** `resolver` are the addresses of the tunnels' resolvers, where the onboarding page is, too. */
export function builtinAddons(
  options: Options,
  authority: OnboardingAuthority & CrlAuthority,
  resolver: readonly string[] = [],
): Addon[] {
  return [
    block(options),
    crl(authority),
    ...(options.onboarding ? [onboarding({ host: options.onboarding_host, resolver, authority })] : []),
  ]
}

// The proxy as an addon of an option sees it, where nothing of it matters.
import type { Surroundings } from '../../src/addons/by-option.js'
import { snapshot } from '../../src/flow/snapshot.js'

export const surroundings: Surroundings = {
  log() {},
  path: (written) => written,
  job() {},
  load: async () => {},
  record: snapshot,
}

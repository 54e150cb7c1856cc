// Twenty addons that have every hook, and do nothing in them: what hooks.mjs measures the calls with.
import { HOOK_NAMES } from '../../dist/hooks.js'

const idle = (index) => ({
  name: `idle ${index}`,
  ...Object.fromEntries(HOOK_NAMES.map((name) => [name, () => {}])),
})

export default Array.from({ length: 20 }, (_, index) => idle(index + 1))

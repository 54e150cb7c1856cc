// The places besides the flows: one script, which the first rows do not wait for.
export { DevicesPage } from '../devices/page.js'
export { LogPage } from '../setup/log.js'
export { OptionsPage } from '../setup/options.js'
export { SetupPage } from '../setup/page.js'
export { RulesPage } from '../setup/rules-page.js'

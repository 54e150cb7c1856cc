// Where the page begins.
import './main.css'
import './flows/flows.css'
import './flows/lines.css'
import './flows/tree.css'
import './flows/table.css'
import './flows/status.css'
import './flow/flow.css'
import './setup/setup.css'
import './setup/rules.css'
import './setup/options.css'
import './devices/devices.css'
// It stands before what it is not to wait for.
import './shell/begin.js'
import { effect } from '@preact/signals'
import { render } from 'preact'
import { waiting } from './flows/list.js'
import { Pane } from './flows/page.js'
import { App } from './shell/app.js'
import { followOptions } from './shell/options.js'
import { fetchPlaces } from './shell/places.js'
import { parts } from './shell/router.js'

const root = document.getElementById('app')
if (root) render(<App />, root)
followOptions()

// What is not shown yet comes when the browser has nothing else to do, and not before the first rows.
const whenIdle = globalThis.requestIdleCallback ?? ((then: () => void) => setTimeout(then, 300))
const end = effect(() => {
  if (waiting.value && (parts.peek()[0] ?? 'flows') === 'flows') return
  whenIdle(() => {
    end()
    Pane.fetch()
    fetchPlaces()
  })
})

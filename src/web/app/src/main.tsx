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
import { render } from 'preact'
import { App } from './shell/app.js'
import { connect } from './shell/connection.js'
import { followOptions } from './shell/options.js'

// The server answers while the page is drawn.
connect()
const root = document.getElementById('app')
if (root) render(<App />, root)
followOptions()

// Where the page begins.
import './main.css'
import { render } from 'preact'
import { App } from './shell/app.js'
import { connect } from './shell/connection.js'

const root = document.getElementById('app')
if (root) render(<App />, root)
connect()

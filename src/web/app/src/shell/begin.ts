// The first thing that the page does, before its other modules run: it connects, and asks for the list that the address names.
import { seek, show, wanted } from '../flows/list.js'
import { connect } from './connection.js'
import { parts } from './router.js'

const [place = 'flows', id] = parts.value
if (place === 'flows') {
  if (id) seek(id)
  show(wanted.value)
}
connect()

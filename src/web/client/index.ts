// `midwire/api`: the client of the remote API, and the types of what it speaks.
export type { Api } from '../api/index.js'
export type { Flow, FlowChanges, Message } from '../api/schemas/flow.js'
export type { Row, Sort } from '../api/schemas/row.js'
export type { ClientMessage, ServerMessage, Topic } from '../api/updates.js'
export { ApiFailure, type ClientOptions, createClient, type MidwireApi } from './client.js'

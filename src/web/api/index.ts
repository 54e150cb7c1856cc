// The remote API as one table: every endpoint by its name, from which the server, the OpenAPI document and the client are made.
import { flows } from './tables/flows.js'
import { proxy } from './tables/proxy.js'

/** The path below which all endpoints are. */
export const API_ROOT = '/api'

/** Of the WebSocket (`updates.ts`). */
export const UPDATES_PATH = '/api/updates'

export const API = { ...flows, ...proxy }

export type Api = typeof API
export type EndpointName = keyof Api

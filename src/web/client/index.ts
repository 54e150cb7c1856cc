// `midwire/api`: the client of the remote API. Its published types are made from the OpenAPI document (scripts/build.mjs).
export { createClient, type MidwireApi } from './client.js'
export { ApiFailure, type ClientOptions } from './contract.js'

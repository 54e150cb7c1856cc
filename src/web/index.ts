// The page and the remote API of a proxy.
export { startWeb, type WebOptions, type WebServer } from './server/server.js'

// The list of midwire's own views. Of two that fit equally well the first is taken.
import { cbor } from './cbor.js'
import { css } from './css.js'
import { dns } from './dns.js'
import { query, urlencoded } from './form.js'
import { graphql } from './graphql.js'
import { grpc } from './grpc.js'
import { hex } from './hex.js'
import { image } from './image.js'
import { javascript } from './javascript.js'
import { json } from './json.js'
import { mqtt } from './mqtt.js'
import { msgpack } from './msgpack.js'
import { multipart } from './multipart.js'
import { protobuf } from './protobuf.js'
import { socketio } from './socketio.js'
import { text } from './text.js'
import type { View } from './view.js'
import { xml } from './xml.js'

export const BUILT_IN: readonly View[] = [
  ...[json, xml, css, javascript, urlencoded, multipart, query, image, protobuf, grpc, msgpack, cbor],
  ...[graphql, dns, socketio, mqtt, text, hex],
]

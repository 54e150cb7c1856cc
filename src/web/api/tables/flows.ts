// The endpoints for flows: lists, one flow with its bodies and messages, what is done to flows, files of flows.
import * as v from 'valibot'
import { bytes, table } from '../endpoint.js'
import {
  Chosen,
  Content,
  Counted,
  count,
  Filter,
  FlowParams,
  Id,
  line,
  MAX_ROWS,
  MessageParams,
  PartParams,
} from '../schemas/common.js'
import { ContentQuery, Flow, FlowChanges, Message, Rendered, RequestChanges, ViewQuery } from '../schemas/flow.js'
import { Row, Sort } from '../schemas/row.js'

const recorded = bytes('recorded bytes: of Range, a part', 'application/octet-stream', 'image/png')

const FileQuery = v.object({
  /** `flows`: mitmproxy's flow file. `har`: HAR 1.2. Default: flows. */
  format: v.optional(v.picklist(['flows', 'har'])),
  /** Default: all recorded flows. */
  filter: v.optional(Filter),
  /** Only these flows. */
  ids: v.optional(v.pipe(v.array(Id), v.maxLength(1_000))),
})

export const flows = table({
  listFlows: {
    method: 'GET',
    path: '/flows',
    summary: 'a page of recorded and running flows',
    query: v.object({
      filter: v.optional(Filter),
      sort: v.optional(Sort),
      reverse: v.optional(v.boolean()),
      offset: v.optional(count()),
      /** Default: 100. */
      limit: v.optional(count(0, MAX_ROWS)),
    }),
    response: v.object({ rows: v.array(Row), total: count(), offset: count() }),
  },
  clearFlows: { method: 'DELETE', path: '/flows', summary: 'forgets all flows; those that run are not ended' },
  chooseFlows: {
    method: 'POST',
    path: '/flows/action',
    summary: 'does something to several flows, by ids or by a filter, and says to how many',
    body: v.object({
      flows: Chosen,
      action: v.picklist(['resume', 'kill', 'intercept', 'replay', 'duplicate', 'revert', 'delete', 'mark', 'comment']),
      /** The mark or the comment. */
      text: v.optional(line(100_000)),
    }),
    response: Counted,
  },
  downloadFlows: {
    method: 'GET',
    path: '/flows/file',
    summary: 'a file with flows',
    query: FileQuery,
    response: bytes('a flow file of mitmproxy, or a HAR', 'application/octet-stream', 'application/json'),
  },
  uploadFlows: {
    method: 'POST',
    path: '/flows/file',
    summary: 'reads a flow file of mitmproxy or a HAR, also compressed',
    body: bytes('the file', 'application/octet-stream'),
    response: Counted,
  },
  waitForFlow: {
    method: 'GET',
    path: '/wait',
    summary: 'the next flow that matches and is over; 408 where none is',
    query: v.object({
      filter: v.optional(Filter),
      /** Milliseconds. Default: 30,000. */
      timeout: v.optional(count(1, 600_000)),
    }),
    response: Flow,
  },
  getFlow: { method: 'GET', path: '/flows/:id', summary: 'one whole flow', params: FlowParams, response: Flow },
  editFlow: {
    method: 'PATCH',
    path: '/flows/:id',
    summary: 'changes a flow that waits or is recorded; marks and comments any',
    params: FlowParams,
    body: FlowChanges,
    response: Flow,
  },
  deleteFlow: {
    method: 'DELETE',
    path: '/flows/:id',
    summary: 'forgets a flow; one that runs is ended',
    params: FlowParams,
  },
  getContent: {
    method: 'GET',
    path: '/flows/:id/:part/content',
    summary: 'a body, or a range of it (Range)',
    params: PartParams,
    query: ContentQuery,
    response: recorded,
  },
  setContent: {
    method: 'PUT',
    path: '/flows/:id/:part/content',
    summary: 'another body, decoded: it is put into the Content-Encoding that the header fields name',
    params: PartParams,
    body: bytes('the body', 'application/octet-stream'),
    response: Flow,
  },
  viewContent: {
    method: 'GET',
    path: '/flows/:id/:part/view',
    summary: 'a body as a view shows it',
    params: PartParams,
    query: ViewQuery,
    response: Rendered,
  },
  listMessages: {
    method: 'GET',
    path: '/flows/:id/messages',
    summary: 'messages of a WebSocket, a raw flow, or of a body',
    params: FlowParams,
    query: v.object({
      offset: v.optional(count()),
      /** Default: 100. */
      limit: v.optional(count(0, MAX_ROWS)),
    }),
    response: v.object({ messages: v.array(Message), total: count() }),
  },
  getMessage: {
    method: 'GET',
    path: '/flows/:id/messages/:index/content',
    summary: 'the bytes of a message',
    params: MessageParams,
    response: recorded,
  },
  viewMessage: {
    method: 'GET',
    path: '/flows/:id/messages/:index/view',
    summary: 'a message as a view shows it',
    params: MessageParams,
    query: ViewQuery,
    response: Rendered,
  },
  injectMessage: {
    method: 'POST',
    path: '/flows/:id/messages',
    summary: 'sends a message to one side of a WebSocket or a raw flow that runs',
    params: FlowParams,
    body: v.object({ to: v.picklist(['client', 'server']), content: Content }),
  },
  resumeFlow: {
    method: 'POST',
    path: '/flows/:id/resume',
    summary: 'lets a flow that waits go on, as it is or with changes',
    params: FlowParams,
    body: v.optional(FlowChanges),
  },
  killFlow: { method: 'POST', path: '/flows/:id/kill', summary: 'ends a flow that runs', params: FlowParams },
  interceptFlow: {
    method: 'POST',
    path: '/flows/:id/intercept',
    summary: 'makes a flow that runs wait at its next hook',
    params: FlowParams,
  },
  replayFlow: {
    method: 'POST',
    path: '/flows/:id/replay',
    summary: 'sends the request again, as it was or with changes, and gives the new flow once that is over',
    params: FlowParams,
    body: v.object({ request: v.optional(RequestChanges) }),
    response: Flow,
  },
  duplicateFlow: {
    method: 'POST',
    path: '/flows/:id/duplicate',
    summary: 'records a copy',
    params: FlowParams,
    response: Flow,
  },
  revertFlow: {
    method: 'POST',
    path: '/flows/:id/revert',
    summary: 'brings a flow back as it was before it was changed',
    params: FlowParams,
    response: Flow,
  },
  exportFlow: {
    method: 'GET',
    path: '/flows/:id/export',
    summary: 'a flow as a command, a program or a raw message',
    params: FlowParams,
    query: v.object({
      format: v.picklist(['curl', 'httpie', 'fetch', 'python-requests', 'raw', 'raw_request', 'raw_response']),
    }),
    response: bytes('the text; raw messages as bytes', 'text/plain', 'application/octet-stream'),
  },
})

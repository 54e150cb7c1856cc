// Tools that change what passes or how midwire runs. They are there only where the user has allowed it.
import * as v from 'valibot'
import { Filter, Id, line } from '../api/schemas/common.js'
import { RequestChanges, ResponseChanges } from '../api/schemas/flow.js'
import { NewBreakpoint, NewMock } from '../api/schemas/proxy.js'
import { characters } from './reading-tools.js'
import { toldFlow } from './told.js'
import { tool } from './tool.js'

const Spec = v.pipe(
  line(10_000),
  v.minLength(1),
  v.description('regular@8081, socks5@1080, reverse:https://example.com@8443, wireguard, dns@5353 ...'),
)

export const changingTools = [
  tool({
    name: 'replay_flow',
    title: 'Send a request again',
    description:
      'Sends the request of a flow again, as it was or with changes, and shows the new flow. It is really sent: what it does at the server is done again.',
    changes: true,
    input: v.object({ id: Id, request: v.optional(RequestChanges), characters: v.optional(characters) }),
    perform: async (api, { id, request, characters }) =>
      toldFlow(api, await api.replayFlow({ id }, { request }), characters),
  }),
  tool({
    name: 'set_mock',
    title: 'Answer in the place of a server',
    description:
      'From now on midwire answers requests that match by itself; the server does not see them. The id that is given removes it again.',
    changes: true,
    input: NewMock,
    perform: (api, mock) => api.addMock({}, mock),
  }),
  tool({
    name: 'set_breakpoint',
    title: 'Make flows wait',
    description:
      'From now on requests or responses that match wait until they are resumed (resume_flow) or ended. get_state shows which wait.',
    changes: true,
    input: NewBreakpoint,
    perform: (api, breakpoint) => api.addBreakpoint({}, breakpoint),
  }),
  tool({
    name: 'remove_rule',
    title: 'Remove a mock or a breakpoint',
    description: 'Removes a mock or a breakpoint by its id. Flows that wait at a breakpoint go on.',
    changes: true,
    input: v.object({ kind: v.picklist(['mock', 'breakpoint']), id: line(100) }),
    async perform(api, { kind, id }) {
      await (kind === 'mock' ? api.removeMock({ id }) : api.removeBreakpoint({ id }))
      return { removed: id }
    },
  }),
  tool({
    name: 'resume_flow',
    title: 'Let a flow go on',
    description:
      'Lets a flow that waits go on, as it is or with changes of its request or response, or ends it (kill). A response that is given while the request waits is its answer.',
    changes: true,
    input: v.object({
      id: Id,
      kill: v.optional(v.boolean()),
      request: v.optional(RequestChanges),
      response: v.optional(ResponseChanges),
    }),
    async perform(api, { id, kill = false, request, response }) {
      await (kill ? api.killFlow({ id }) : api.resumeFlow({ id }, { request, response }))
      return kill ? { ended: id } : { resumed: id }
    },
  }),
  tool({
    name: 'set_mode',
    title: 'Open or close a way in',
    description: 'Adds a mode (a proxy, a tunnel, a server that midwire stands in for), or removes one.',
    changes: true,
    input: v.object({ spec: Spec, remove: v.optional(v.boolean()) }),
    perform: (api, { spec, remove = false }) => (remove ? api.removeMode({ spec }) : api.addMode({}, { spec })),
  }),
  tool({
    name: 'mark_flows',
    title: 'Mark flows',
    description:
      'Puts a mark (an emoji name such as :star:) or a comment on flows that match, so that the user finds them; an empty text takes it away.',
    changes: true,
    input: v.object({
      filter: Filter,
      as: v.picklist(['mark', 'comment']),
      text: line(1_000),
    }),
    perform: (api, { filter, as, text }) => api.chooseFlows({}, { flows: { filter }, action: as, text }),
  }),
]

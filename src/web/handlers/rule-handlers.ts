// Mocks and breakpoints: listed, made and removed.
import type { proxy } from '../api/tables/proxy.js'
import type { Handlers } from '../server/call.js'

type Table = Pick<
  typeof proxy,
  | ('listMocks' | 'addMock' | 'changeMock' | 'orderMocks' | 'removeMock' | 'clearMocks')
  | ('listBreakpoints' | 'addBreakpoint' | 'removeBreakpoint')
>

export const ruleHandlers: Handlers<Table> = {
  listMocks: ({ rules: { mocks } }) => ({ mocks: mocks.list() }),
  addMock: ({ rules: { mocks }, body }) => mocks.add(body),
  changeMock: ({ rules: { mocks }, input, body }) => mocks.change(input.id, body),
  orderMocks({ rules: { mocks }, body }) {
    mocks.order(body.ids)
    return { mocks: mocks.list() }
  },
  removeMock({ rules: { mocks }, input }) {
    mocks.remove(input.id)
    return undefined
  },
  clearMocks({ rules: { mocks } }) {
    mocks.clear()
    return undefined
  },
  listBreakpoints: ({ rules }) => ({ breakpoints: rules.breakpoints }),
  addBreakpoint: ({ rules, body }) => rules.addBreakpoint(body),
  removeBreakpoint({ rules, input }) {
    rules.removeBreakpoint(input.id)
    return undefined
  },
}

// `@deskbell/sdk/testing`: a livechat server in memory, for tests of whatever is built on the sessions.
export { fakeClock } from './fake-clock.ts'
export type { FakeClock, FakeClockOptions } from './fake-clock.ts'
export { fakeServer } from './fake-server.ts'
export type { FakeAgent, FakeCall, FakeServer, FakeServerOptions, FakeVisitor, Faults, NewAgent } from './controls.ts'
export type { EndFault, FrameFault, FrameFaults, RequestFault, RequestFaults } from './faults.ts'

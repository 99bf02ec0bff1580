// What random plans of consumers and of share consumers have in common: requests that go wrong, records, pauses.

import fc from 'fast-check'

export type Disturbance =
  /** The broker does what it is asked, and its response is lost with the connection. */
  | { kind: 'lost' }
  /** The connection ends before the broker has seen the request. */
  | { kind: 'unsent' }
  /** The response comes late. */
  | { kind: 'late'; ms: number }

export interface FaultStep<Api, Fault> {
  do: 'fault'
  api: Api
  fault: Fault
  times: number
}

export type CommonStep =
  | { do: 'produce'; partition: number; count: number }
  | { do: 'wait'; ms: number }

/**
 * A fault of one of the APIs.
 * @param codes the codes that may pass, of each response
 * @param kinds what is done with a code
 */
export function faultStep<Api extends string, Kind extends string>(
  codes: Readonly<Record<Api, readonly number[]>>,
  kinds: readonly Kind[],
): fc.Arbitrary<FaultStep<Api, Disturbance | { kind: Kind; code: number }>> {
  const ofApi = (api: Api) =>
    fc.record({
      do: fc.constant('fault' as const),
      api: fc.constant(api),
      fault: fc.oneof(
        fc.record({ kind: fc.constant('lost' as const) }),
        fc.record({ kind: fc.constant('unsent' as const) }),
        fc.record({ kind: fc.constant('late' as const), ms: fc.integer({ min: 5, max: 60 }) }),
        ...kinds.map((kind) =>
          fc.record({ kind: fc.constant(kind), code: fc.constantFrom(...codes[api]) }),
        ),
      ),
      times: fc.integer({ min: 1, max: 3 }),
    })
  return fc.constantFrom(...(Object.keys(codes) as Api[])).chain(ofApi)
}

/** With their weights among the steps of a plan. */
export function commonSteps(
  partition: fc.Arbitrary<number>,
): { weight: number; arbitrary: fc.Arbitrary<CommonStep> }[] {
  const produce = { do: fc.constant('produce' as const), partition }
  const wait = { do: fc.constant('wait' as const), ms: fc.integer({ min: 0, max: 40 }) }
  return [
    { weight: 6, arbitrary: fc.record({ ...produce, count: fc.integer({ min: 1, max: 25 }) }) },
    { weight: 6, arbitrary: fc.record(wait) },
  ]
}

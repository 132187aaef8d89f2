/**
 * Orders in which each contestant stands once in every place, and follows each other one equally often: a Williams design.
 *
 * Back and forth (ABBA) evens out a drift, but who always runs after the same one inherits what that one leaves behind in
 * the broker and the heap. The first `contestants.length` orders have each contestant in each place, and so have the rest.
 */
export function balancedOrders<T>(contestants: readonly T[]): readonly (readonly T[])[] {
  const count = contestants.length
  const first = Array.from({ length: count }, (_, place) => (place % 2 === 0 ? place / 2 : count - (place + 1) / 2))
  const orders = contestants.map((_, shift) => first.map((index) => contestants[(index + shift) % count] as T))
  return count % 2 === 0 ? orders : [...orders, ...orders.map((order) => order.toReversed())]
}

/**
 * A function that has some work done: at once, or once more where it is being done already, since what it reads may be
 * out of date by then. What the work rejects with goes to `onError`, and ends the round.
 */
export function runWhenDue(work: () => Promise<void>, onError: (error: unknown) => void): () => void {
  let isDue = false
  let isRunning = false

  async function round(): Promise<void> {
    isRunning = true
    try {
      while (isDue) {
        isDue = false
        await work()
      }
    } catch (error) {
      onError(error)
    } finally {
      isRunning = false
    }
  }

  return () => {
    isDue = true
    // Rejects never.
    if (!isRunning) void round()
  }
}

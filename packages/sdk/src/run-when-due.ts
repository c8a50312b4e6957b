/**
 * A function that has some work done: at once, or once more where it is being done already, since what it reads may be
 * out of date by then. What the work rejects with goes to `onError`, and ends the round. It answers when the round is over,
 * and never rejects.
 */
export function runWhenDue(work: () => Promise<void>, onError: (error: unknown) => void): () => Promise<void> {
  let isDue = false
  let isRunning = false
  let running = Promise.resolve()

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
    if (!isRunning) running = round()
    return running
  }
}

package dev.warren.bench.load;

/** A caller that asked for the large file and reads a little of it now and then. */
final class SlowReader implements AutoCloseable {
  private static final int BYTES = 8 * 1024;
  private static final int PAUSE_MILLIS = 100;

  private final RawCaller caller;
  private final Thread reading;
  private volatile boolean closed;
  private volatile RuntimeException fault;

  private SlowReader(RawCaller caller) {
    this.caller = caller;
    this.reading = new Thread(this::read, "slow-reader");
    reading.setDaemon(true);
  }

  static SlowReader open(Stage stage, Subject subject) {
    SlowReader reader = new SlowReader(RawCaller.ask(stage, subject, Stage.LARGE));
    reader.reading.start();
    return reader;
  }

  private void read() {
    try {
      while (!closed) {
        caller.read(BYTES);
        Bench.pause(PAUSE_MILLIS);
      }
    } catch (LoadException e) {
      if (!closed) {
        fault = e;
      }
    }
  }

  /** Fails where it was broken meanwhile. */
  void checkAlive() {
    if (fault != null) {
      throw fault;
    }
  }

  @Override
  public void close() {
    closed = true;
    caller.close();
    try {
      reading.join();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}

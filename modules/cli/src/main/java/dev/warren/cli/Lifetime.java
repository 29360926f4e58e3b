package dev.warren.cli;

import java.time.Duration;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * From the start of a service to the signal that ends it, or to its own end. SIGTERM and SIGINT
 * close it in good order, and then the status is 0: the JVM by itself would end with 143 or 130,
 * which every supervisor takes for a failure.
 */
final class Lifetime {
  /** What does not close in this time is left to the operating system. */
  private static final Duration CLOSE_WITHIN = Duration.ofSeconds(30);

  private static final Logger log = LoggerFactory.getLogger(Lifetime.class);

  private Lifetime() {}

  /** Starts something that runs until it is closed. */
  @FunctionalInterface
  interface Start {
    AutoCloseable start() throws Exception;
  }

  /** A service that may also end by itself, in good order, as by an operator's order. */
  interface Ending extends AutoCloseable {
    CompletionStage<?> ended();
  }

  /**
   * Starts a service, waits for a signal, closes the service; a signal during the start is heeded
   * after it. Returns only where the service is an {@link Ending} one that has ended.
   *
   * @throws Exception where the start fails
   */
  static int untilSignalled(Start start) throws Exception {
    return untilSignalled(start, CLOSE_WITHIN);
  }

  /**
   * The same for a service that may need longer to close in good order.
   *
   * @param closeWithin what does not close in this time is left to the operating system
   */
  static int untilSignalled(Start start, Duration closeWithin) throws Exception {
    CountDownLatch wanted = new CountDownLatch(1);
    CountDownLatch closed = new CountDownLatch(1);
    AtomicInteger status = new AtomicInteger(ExitStatus.FAILED);
    Thread hook =
        new Thread(
            () -> {
              wanted.countDown();
              awaitClosed(closed, closeWithin);
              Runtime.getRuntime().halt(status.get()); // no other hook has anything to do
            },
            "warren-stop");
    Runtime.getRuntime().addShutdownHook(hook);
    AutoCloseable service;
    try {
      service = start.start();
    } catch (Exception e) {
      if (!removed(hook)) {
        closed.countDown();
        hook.join();
      }
      throw e;
    }
    if (service instanceof Ending ending) {
      ending.ended().whenComplete((nothing, failure) -> wanted.countDown());
    }
    wanted.await();
    log.atInfo().log("process.stopping");
    try {
      service.close();
      status.set(ExitStatus.OK);
      log.atInfo().log("process.stopped");
    } catch (Exception e) {
      log.atError().setCause(e).log("process.stop-failed");
    } finally {
      closed.countDown();
    }
    if (!removed(hook)) {
      hook.join();
    }
    return status.get();
  }

  /** False where the hook runs already. */
  private static boolean removed(Thread hook) {
    try {
      return Runtime.getRuntime().removeShutdownHook(hook);
    } catch (IllegalStateException e) {
      return false;
    }
  }

  private static void awaitClosed(CountDownLatch closed, Duration within) {
    try {
      if (!closed.await(within.toMillis(), TimeUnit.MILLISECONDS)) {
        log.atError().addKeyValue("waited", within).log("process.stop-timed-out");
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}

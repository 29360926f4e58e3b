package dev.warren.gateway.http;

/** What the front tells callers and balancers of the gateway's state; asked on event loops. */
public interface Readiness {
  /** Ready, and not about to go: what a gateway without start-up or drain has. */
  Readiness ALWAYS =
      new Readiness() {
        @Override
        public boolean ready() {
          return true;
        }

        @Override
        public boolean draining() {
          return false;
        }
      };

  /** Whether {@code /readyz} answers 200; it is 503 otherwise. */
  boolean ready();

  /** Whether connections shall end with the answer that they are waiting for. */
  boolean draining();
}

package dev.warren.cli.demo;

import dev.warren.cli.Main;
import java.util.Optional;

/**
 * One gateway of the demo, in a process of its own. It is {@code warren} as ever, except that it
 * ends with the process that started it: a demo that was killed leaves nothing behind.
 */
final class ReplicaMain {
  private ReplicaMain() {}

  public static void main(String[] arguments) {
    Optional<ProcessHandle> parent = ProcessHandle.current().parent();
    parent.ifPresent(
        handle ->
            handle
                .onExit()
                .thenRun(() -> Runtime.getRuntime().halt(1))
                .exceptionally(
                    unwatched -> {
                      Runtime.getRuntime().halt(1);
                      return null;
                    }));
    Main.main(arguments);
  }
}

package dev.warren.cli;

import java.io.InputStream;
import java.io.PrintStream;
import java.util.Map;

/** What a process is given by whoever starts it, so that tests can give something else. */
record Terminal(InputStream in, PrintStream out, PrintStream err, Map<String, String> environment) {
  static Terminal ofProcess() {
    return new Terminal(System.in, System.out, System.err, System.getenv());
  }
}

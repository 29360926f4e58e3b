package dev.warren.multijvm.network;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;

/**
 * Hosts as network namespaces, on two switches: one that gateways use among themselves, and one by
 * which callers and agents of this machine reach them. A host's port at a switch can be shut and
 * opened again, and nobody is told: what is sent is lost, as behind a broken cable. Needs root, and
 * leaves nothing behind; the names are new in each run.
 */
public final class NetworkLab implements AutoCloseable {
  private static final long WITHIN_SECONDS = 20;
  private static final String SWITCH = "sw";
  private static final int FORWARDING = 3;
  private static final int DISABLED = 0;

  private final String tag;
  private final int network;
  private final int hosts;
  private final Thread atTheEnd = new Thread(this::remove, "network-lab");

  private NetworkLab(String tag, int network, int hosts) {
    this.tag = tag;
    this.network = network;
    this.hosts = hosts;
  }

  /** No namespaces can be made here; the message says why. */
  public static final class UnavailableException extends Exception {
    private static final long serialVersionUID = 1L;

    UnavailableException(String message) {
      super(message);
    }
  }

  /**
   * Makes hosts, numbered from 1.
   *
   * @throws UnavailableException where this machine or user cannot
   */
  public static NetworkLab of(int hosts) throws UnavailableException, InterruptedException {
    ThreadLocalRandom random = ThreadLocalRandom.current();
    NetworkLab lab =
        new NetworkLab(
            String.format("w%04x", random.nextInt(1 << 16)), random.nextInt(100, 250), hosts);
    Runtime.getRuntime().addShutdownHook(lab.atTheEnd);
    try {
      lab.build();
      return lab;
    } catch (IOException e) {
      lab.close();
      throw new UnavailableException(
          "no network namespaces here (expected: root, and ip of iproute2): " + e.getMessage());
    }
  }

  private void build() throws IOException, InterruptedException {
    run("ip", "netns", "add", name(SWITCH));
    for (String bridge : List.of("inner", "outer")) {
      inSwitch("ip", "link", "add", bridge, "type", "bridge");
      inSwitch("ip", "link", "set", "dev", bridge, "up");
    }
    for (int host = 1; host <= hosts; host++) {
      run("ip", "netns", "add", name(host));
      run("ip", "-n", name(host), "link", "set", "dev", "lo", "up");
      plug(host, "inner", inside(host));
      plug(host, "outer", outside(host));
    }
    // This machine itself is on the outer switch, for callers and agents.
    run(
        "ip",
        "link",
        "add",
        tag + "m",
        "type",
        "veth",
        "peer",
        "name",
        "machine",
        "netns",
        name(SWITCH));
    inSwitch("ip", "link", "set", "dev", "machine", "master", "outer", "up");
    run("ip", "addr", "add", "10." + network + ".2.254/24", "dev", tag + "m");
    run("ip", "link", "set", "dev", tag + "m", "up");
  }

  private void plug(int host, String bridge, String address)
      throws IOException, InterruptedException {
    run(
        "ip",
        "link",
        "add",
        bridge,
        "netns",
        name(host),
        "type",
        "veth",
        "peer",
        "name",
        bridge + host,
        "netns",
        name(SWITCH));
    inSwitch("ip", "link", "set", "dev", bridge + host, "master", bridge, "up");
    run("ip", "-n", name(host), "addr", "add", address + "/24", "dev", bridge);
    run("ip", "-n", name(host), "link", "set", "dev", bridge, "up");
  }

  /** Where a host is for the other hosts. */
  public String inside(int host) {
    return "10." + network + ".1." + host;
  }

  /** Where a host is for this machine. */
  public String outside(int host) {
    return "10." + network + ".2." + host;
  }

  /** What stands before a command that is to run on a host. */
  public List<String> on(int host) {
    return List.of("ip", "netns", "exec", name(host));
  }

  /** From now on nothing passes between this host and the other hosts. */
  public void isolate(int host) throws IOException, InterruptedException {
    port("inner" + host, DISABLED);
  }

  /** ... and nothing between it and this machine either. */
  public void vanish(int host) throws IOException, InterruptedException {
    port("inner" + host, DISABLED);
    port("outer" + host, DISABLED);
  }

  /** All passes again. */
  public void heal(int host) throws IOException, InterruptedException {
    port("inner" + host, FORWARDING);
    port("outer" + host, FORWARDING);
  }

  private void port(String name, int state) throws IOException, InterruptedException {
    inSwitch("bridge", "link", "set", "dev", name, "state", Integer.toString(state));
  }

  private String name(Object part) {
    return tag + "-" + part;
  }

  private void inSwitch(String... command) throws IOException, InterruptedException {
    List<String> all = new ArrayList<>(List.of("ip", "netns", "exec", name(SWITCH)));
    all.addAll(List.of(command));
    run(all.toArray(String[]::new));
  }

  private static void run(String... command) throws IOException, InterruptedException {
    Path output = Files.createTempFile("network-lab", ".txt");
    try {
      Process process =
          new ProcessBuilder(command)
              .redirectErrorStream(true)
              .redirectOutput(output.toFile())
              .start();
      if (!process.waitFor(WITHIN_SECONDS, TimeUnit.SECONDS)) {
        process.destroyForcibly();
        throw new IOException(String.join(" ", command) + ": does not end");
      }
      if (process.exitValue() != 0) {
        throw new IOException(
            String.join(" ", command)
                + ": "
                + Files.readString(output, StandardCharsets.UTF_8).strip());
      }
    } finally {
      Files.delete(output);
    }
  }

  /** Removes the hosts; their processes must have ended. */
  @Override
  public void close() {
    remove();
    Runtime.getRuntime().removeShutdownHook(atTheEnd);
  }

  private void remove() {
    // With a namespace go its interfaces, and with those their other ends.
    quietly("ip", "link", "del", tag + "m");
    for (int host = 1; host <= hosts; host++) {
      quietly("ip", "netns", "del", name(host));
    }
    quietly("ip", "netns", "del", name(SWITCH));
  }

  private static void quietly(String... command) {
    try {
      run(command);
    } catch (IOException e) {
      // It was never made, or is gone.
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}

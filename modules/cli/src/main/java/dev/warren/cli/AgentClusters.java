package dev.warren.cli;

import dev.warren.agent.Agent;
import dev.warren.agent.admin.StatusServer;
import dev.warren.cli.settings.Settings;
import dev.warren.cli.settings.SettingsException;
import io.netty.util.concurrent.DefaultThreadFactory;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The agents of one process, one for each cluster. Where they come from a list in the config file,
 * that is looked at once a second: agents whose settings have changed are stopped and started
 * again, and the others are undisturbed. A file that is wrong changes nothing.
 */
final class AgentClusters implements AutoCloseable {
  private static final Duration LOOK_AGAIN = Duration.ofSeconds(1);
  private static final Logger log = LoggerFactory.getLogger(AgentClusters.class);

  private final Settings settings;
  private final Map<String, String> environment;
  private final Duration drainTimeout;
  private final Map<Map<String, List<String>>, Agent> agents =
      Collections.synchronizedMap(new LinkedHashMap<>());
  private final ScheduledExecutorService watch =
      Executors.newSingleThreadScheduledExecutor(new DefaultThreadFactory("warren-config", true));
  private final Optional<StatusServer> status;
  private Stamp seen;

  /** What the config file looked like when it was read. */
  private record Stamp(long modifiedMillis, long bytes, Object key) {
    static Stamp of(Path file) {
      try {
        BasicFileAttributes found = Files.readAttributes(file, BasicFileAttributes.class);
        return new Stamp(found.lastModifiedTime().toMillis(), found.size(), found.fileKey());
      } catch (IOException e) {
        return new Stamp(0, -1, null); // it is being moved into place
      }
    }
  }

  private AgentClusters(Settings settings, Map<String, String> environment, Duration drainTimeout)
      throws IOException {
    this.settings = settings;
    this.environment = environment;
    this.drainTimeout = drainTimeout;
    Optional<InetSocketAddress> listen = AgentCommand.adminListen(settings);
    this.status =
        listen.isPresent()
            ? Optional.of(StatusServer.start(listen.get(), this::agents))
            : Optional.empty();
  }

  /**
   * Starts all agents.
   *
   * @param drainTimeout how long streams may go on when an agent is stopped
   * @throws SettingsException where a setting is wrong; nothing runs then
   */
  static AgentClusters start(
      Settings settings, Map<String, String> environment, Duration drainTimeout)
      throws IOException {
    AgentClusters clusters;
    try {
      clusters = new AgentClusters(settings, environment, drainTimeout);
    } catch (IllegalArgumentException e) {
      throw settings.refused(e);
    }
    try {
      clusters.seen = settings.file().map(Stamp::of).orElse(null);
      List<Settings> blocks = AgentCommand.clusters(settings);
      clusters.apply(blocks);
      if (blocks.get(0) != settings) {
        clusters.watch.scheduleWithFixedDelay(
            clusters::look, LOOK_AGAIN.toMillis(), LOOK_AGAIN.toMillis(), TimeUnit.MILLISECONDS);
      }
    } catch (IOException | RuntimeException e) {
      clusters.closeAll(List.copyOf(clusters.agents.values()), Duration.ZERO);
      clusters.status.ifPresent(StatusServer::close);
      clusters.watch.shutdown();
      throw e;
    }
    return clusters;
  }

  /** Those that run now. */
  List<Agent> agents() {
    synchronized (agents) {
      return List.copyOf(agents.values());
    }
  }

  /** Where the status is to be had, if anywhere. */
  Optional<InetSocketAddress> statusAddress() {
    return status.map(StatusServer::address);
  }

  synchronized void look() {
    Stamp now = Stamp.of(settings.file().orElseThrow());
    if (now.equals(seen) || now.bytes() < 0) {
      return;
    }
    seen = now;
    try {
      List<Settings> blocks = settings.blocks();
      if (blocks.isEmpty()) {
        throw new SettingsException(
            "warren.agent." + AgentCommand.CLUSTERS + " (expected: at least one block)");
      }
      apply(AgentCommand.clusters(settings));
    } catch (IOException | RuntimeException e) {
      log.atWarn()
          .addKeyValue("file", settings.file().orElseThrow())
          .addKeyValue("reason", e.getMessage())
          .log("config.refused");
    }
  }

  /** Everything is checked before anything is stopped. */
  private void apply(List<Settings> blocks) throws IOException {
    Map<Map<String, List<String>>, dev.warren.agent.AgentSettings> wanted = new LinkedHashMap<>();
    for (Settings block : blocks) {
      try {
        if (wanted.put(block.texts(), AgentCommand.read(block, environment)) != null) {
          throw new SettingsException(
              "warren.agent." + AgentCommand.CLUSTERS + ": two blocks are the same");
        }
      } catch (IllegalArgumentException e) {
        throw block.refused(e);
      }
    }
    Set<Map<String, List<String>>> gone = new LinkedHashSet<>(agents.keySet());
    gone.removeAll(wanted.keySet());
    List<Agent> stopped = new ArrayList<>();
    for (Map<String, List<String>> each : gone) {
      stopped.add(agents.remove(each));
    }
    // Before the others start: one of them may have the id of one that goes.
    closeAll(stopped, drainTimeout);
    for (Map.Entry<Map<String, List<String>>, dev.warren.agent.AgentSettings> each :
        wanted.entrySet()) {
      if (!agents.containsKey(each.getKey())) {
        try {
          agents.put(each.getKey(), Agent.start(each.getValue()));
        } catch (IllegalArgumentException e) {
          throw settings.refused(e);
        }
      }
    }
  }

  /** All at once, so that the streams of one do not use up the time of another. */
  private static void closeAll(Collection<Agent> all, Duration drain) {
    List<Thread> threads = new ArrayList<>();
    for (Agent agent : all) {
      Thread thread =
          new Thread(
              () -> {
                if (!drain.isZero()) {
                  agent.drain(drain);
                }
                agent.close();
              },
              "warren-drain");
      thread.start();
      threads.add(thread);
    }
    for (Thread thread : threads) {
      try {
        thread.join();
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        return; // the process ends, and takes the rest with it
      }
    }
  }

  /** Takes no new streams, lets the running ones end, says goodbye. */
  @Override
  public void close() {
    watch.shutdownNow();
    closeAll(agents(), drainTimeout);
    status.ifPresent(StatusServer::close);
  }
}

package dev.warren.gateway.admin;

import com.typesafe.config.Config;
import com.typesafe.config.ConfigFactory;
import dev.warren.gateway.GatewaySettings;
import dev.warren.gateway.access.Authorizer;
import io.netty.util.NetUtil;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicBoolean;
import org.apache.pekko.actor.ActorSystem;
import org.apache.pekko.http.javadsl.Http;
import org.apache.pekko.http.javadsl.ServerBinding;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The API for operators as a server. It starts and ends on a thread of its own, so that nobody
 * waits for it, and has an actor system of its own, so that it stays while the control plane comes
 * and goes. Its limits stand in warren-admin.conf.
 */
public final class AdminServer {
  private static final String SYSTEM = "warren-admin";

  /** How long an address may take to be bound. */
  private static final Duration BIND_WITHIN = Duration.ofSeconds(5);

  /** How long requests that are being answered may take once it ends, and then the actor system. */
  private static final Duration LAST_ANSWERS = Duration.ofMillis(300);

  private static final Duration ENDED_WITHIN = Duration.ofSeconds(2);
  private static final Logger log = LoggerFactory.getLogger(AdminServer.class);

  private final GatewaySettings.Admin settings;
  private final AdminRoutes routes;
  private final ExecutorService thread;
  private final CompletableFuture<InetSocketAddress> address = new CompletableFuture<>();
  private final CompletableFuture<Void> closed = new CompletableFuture<>();
  private final AtomicBoolean closing = new AtomicBoolean();

  // Of the thread alone.
  private ActorSystem system;
  private ServerBinding binding;

  private AdminServer(
      GatewaySettings.Admin settings, Authorizer authorizer, Operations operations) {
    this.settings = settings;
    this.routes =
        new AdminRoutes(operations, new AdminGate(authorizer, settings.tokens().isEmpty()));
    this.thread =
        Executors.newSingleThreadExecutor(
            task -> {
              Thread made = new Thread(task, SYSTEM);
              made.setDaemon(true);
              return made;
            });
  }

  /**
   * Whether the address that was asked for can be bound now. {@link #start} returns before it knows
   * that, and an operator's mistake shall stop a gateway before it takes traffic.
   *
   * @throws IOException where it cannot
   */
  public static void check(GatewaySettings.Admin settings) throws IOException {
    if (settings.listen().isPresent()) {
      try {
        tryOut(settings.listen().get());
      } catch (IOException e) {
        throw new IOException(cannotBind(settings.listen().get(), e.getMessage()), e);
      }
    }
  }

  private static String cannotBind(InetSocketAddress listen, String why) {
    return "--admin-listen: cannot bind " + NetUtil.toSocketAddressString(listen) + ": " + why;
  }

  private static void tryOut(InetSocketAddress listen) throws IOException {
    try (ServerSocket socket = new ServerSocket()) {
      socket.setReuseAddress(true);
      socket.bind(listen);
    }
  }

  /**
   * Starts it and returns at once. Where it cannot start after all, the log says so, and the
   * gateway goes on without it.
   *
   * @param authorizer asked for every request, on a thread of the server
   */
  public static AdminServer start(
      GatewaySettings.Admin settings, Authorizer authorizer, Operations operations) {
    AdminServer server = new AdminServer(settings, authorizer, operations);
    server.thread.execute(server::begin);
    return server;
  }

  /** Where it listens; fails where it could not start, or was closed before. */
  public CompletionStage<InetSocketAddress> address() {
    return address.copy();
  }

  /** Ends it, answers that are under way first; completes within a few seconds. */
  public CompletionStage<Void> close() {
    if (closing.compareAndSet(false, true)) {
      thread.execute(
          () -> {
            try {
              end();
            } finally {
              closed.complete(null);
              thread.shutdown();
            }
          });
    }
    return closed.copy();
  }

  // All from here on is of the thread.

  private void begin() {
    try {
      if (closing.get()) {
        throw new IllegalStateException("closed before it had started");
      }
      ClassLoader loader = AdminServer.class.getClassLoader();
      system = ActorSystem.create(SYSTEM, config(loader), loader);
      binding = bind();
      log.atInfo()
          .addKeyValue("listen", NetUtil.toSocketAddressString(binding.localAddress()))
          .addKeyValue("tokens", settings.tokens().isPresent())
          .log("admin.ready");
      address.complete(binding.localAddress());
    } catch (Exception | LinkageError e) {
      if (!closing.get()) {
        log.atError().setCause(e).log("admin.not-started");
      }
      address.completeExceptionally(e);
      end();
    }
  }

  private static Config config(ClassLoader loader) {
    return ConfigFactory.parseResourcesAnySyntax(loader, "warren-admin.conf")
        .withFallback(ConfigFactory.defaultReference(loader))
        .resolve();
  }

  private ServerBinding bind() throws Exception {
    if (settings.listen().isPresent()) {
      return bind(settings.listen().get());
    }
    InetAddress loopback = InetAddress.getByAddress("localhost", new byte[] {127, 0, 0, 1});
    InetSocketAddress usual = new InetSocketAddress(loopback, GatewaySettings.Admin.DEFAULT_PORT);
    InetSocketAddress any = new InetSocketAddress(loopback, 0);
    try {
      tryOut(usual); // Pekko logs a failed bind as an error, which this is not
      return bind(usual);
    } catch (IOException taken) {
      return bind(any);
    }
  }

  private ServerBinding bind(InetSocketAddress listen) throws Exception {
    try {
      return Http.get(system)
          .newServerAt(listen.getAddress().getHostAddress(), listen.getPort())
          .bind(routes.routes())
          .toCompletableFuture()
          .get(BIND_WITHIN.toMillis(), TimeUnit.MILLISECONDS);
    } catch (ExecutionException e) {
      throw new IOException(cannotBind(listen, e.getCause().getMessage()), e.getCause());
    }
  }

  private void end() {
    if (binding != null) {
      await(binding.terminate(LAST_ANSWERS));
      binding = null;
    }
    if (system != null) {
      system.terminate();
      await(system.getWhenTerminated());
      system = null;
    }
  }

  private static void await(CompletionStage<?> stage) {
    try {
      stage.toCompletableFuture().get(ENDED_WITHIN.toMillis(), TimeUnit.MILLISECONDS);
    } catch (ExecutionException | TimeoutException e) {
      log.atDebug().setCause(e).log("admin.end");
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}

package dev.warren.agent.pool;

import dev.warren.agent.AgentSettings;
import dev.warren.agent.connect.GatewayConnector;
import dev.warren.agent.dial.TargetDialer;
import dev.warren.protocol.flow.CreditBudget;
import io.netty.channel.Channel;
import io.netty.channel.EventLoop;
import io.netty.channel.EventLoopGroup;
import io.netty.util.concurrent.Future;
import io.netty.util.concurrent.Promise;
import java.util.random.RandomGenerator;

/**
 * The tunnels of an agent: one for now. They share who the agent is to the cluster, the dialer and
 * the memory budget.
 */
public final class TunnelPool {
  static final java.time.Duration PARKED = java.time.Duration.ofSeconds(5);

  private final EventLoop loop;
  private final AgentTunnel only;

  public TunnelPool(
      AgentSettings settings,
      EventLoopGroup loops,
      GatewayConnector connector,
      TargetDialer dialer,
      RandomGenerator random,
      TunnelListener listener) {
    this.loop = loops.next();
    this.only =
        new AgentTunnel(
            settings,
            loop,
            new Instance(),
            connector,
            dialer,
            new CreditBudget(settings.memoryBudgetBytes()),
            random,
            listener);
  }

  public void start() {
    loop.execute(only::start);
  }

  /** From any thread. */
  public TunnelStatus status() {
    return only.status();
  }

  /** Ends all tunnels. The future completes when their connections are closed. */
  public Future<Void> close() {
    Promise<Void> closed = loop.newPromise();
    loop.execute(
        () -> {
          Channel last = only.close();
          if (last == null) {
            closed.setSuccess(null);
          } else {
            last.closeFuture().addListener(done -> closed.setSuccess(null));
          }
        });
    return closed;
  }
}

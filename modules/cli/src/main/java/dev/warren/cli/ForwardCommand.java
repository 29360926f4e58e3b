package dev.warren.cli;

import dev.warren.cli.settings.Flag;
import dev.warren.cli.settings.Parse;
import dev.warren.cli.settings.Settings;
import dev.warren.client.LocalPort;
import dev.warren.client.Warren;
import dev.warren.protocol.SessionKey;
import dev.warren.protocol.Target;
import java.net.InetSocketAddress;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** {@code warren forward}: a port on this machine, each of whose connections is a stream. */
final class ForwardCommand {
  private static final Logger log = LoggerFactory.getLogger(ForwardCommand.class);

  /** What leads where. */
  private record Rule(InetSocketAddress listen, SessionKey session, Target target) {
    private static final String EXPECTED =
        "[HOST:]PORT=SESSION/TARGET, as 15432=db-7/127.0.0.1:5432";

    /**
     * @throws IllegalArgumentException with what was expected as its message
     */
    static Rule parse(String text) {
      int equals = text.indexOf('=');
      int slash = text.indexOf('/', equals + 1);
      if (equals < 1 || slash < 0) {
        throw new IllegalArgumentException(EXPECTED);
      }
      String listen = text.substring(0, equals);
      try {
        return new Rule(
            Parse.address(listen.indexOf(':') < 0 ? "127.0.0.1:" + listen : listen),
            SessionKey.of(text.substring(equals + 1, slash)),
            Target.parse(text.substring(slash + 1)));
      } catch (IllegalArgumentException e) {
        throw new IllegalArgumentException(EXPECTED + " (" + e.getMessage() + ")", e);
      }
    }
  }

  private static final Flag<Rule> RULE =
      Flag.operand(
          "PORT=SESSION/TARGET",
          "Where it listens (on 127.0.0.1 without a host; port 0 takes a free one), and where that"
              + " leads",
          Rule::parse);

  static final Command COMMAND =
      new Command(
          "forward",
          "Open a port on this machine; each connection is a stream. Until SIGTERM or SIGINT.",
          List.of(
              "warren forward 15432=db-7/127.0.0.1:5432",
              "psql -h 127.0.0.1 -p 15432",
              "warren forward --gateway https://gateway.example.org:8123 --token-file caller.token"
                  + " 2375=foo/unix//run/docker.sock"),
          CallerSettings.FLAGS,
          List.of(RULE),
          true,
          CallerSettings.BLOCK,
          ForwardCommand::run,
          List.of());

  private ForwardCommand() {}

  private static int run(Settings settings, Terminal terminal) throws Exception {
    Rule rule = settings.get(RULE);
    return Lifetime.untilSignalled(
        () -> {
          Warren warren = CallerSettings.connect(settings, terminal, "forward");
          try {
            LocalPort port =
                warren
                    .session(rule.session().toString())
                    .forward(rule.listen(), rule.target().toString());
            log.atInfo()
                .addKeyValue("listen", port.address())
                .addKeyValue("session", rule.session())
                .addKeyValue("target", rule.target())
                .log("forward.ready");
            return () -> {
              port.close();
              warren.close();
            };
          } catch (Exception e) {
            warren.close();
            throw e;
          }
        });
  }
}

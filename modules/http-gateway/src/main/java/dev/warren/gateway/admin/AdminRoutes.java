package dev.warren.gateway.admin;

import static org.apache.pekko.http.javadsl.server.PathMatchers.segment;

import dev.warren.gateway.access.Authorizer;
import dev.warren.gateway.access.Decision;
import dev.warren.gateway.access.Principal;
import dev.warren.protocol.SessionKey;
import java.time.Duration;
import java.util.Map;
import java.util.TreeSet;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.apache.pekko.http.javadsl.model.HttpRequest;
import org.apache.pekko.http.javadsl.model.HttpResponse;
import org.apache.pekko.http.javadsl.model.StatusCodes;
import org.apache.pekko.http.javadsl.model.headers.RawHeader;
import org.apache.pekko.http.javadsl.server.AllDirectives;
import org.apache.pekko.http.javadsl.server.ExceptionHandler;
import org.apache.pekko.http.javadsl.server.MethodRejection;
import org.apache.pekko.http.javadsl.server.Rejection;
import org.apache.pekko.http.javadsl.server.RejectionHandler;
import org.apache.pekko.http.javadsl.server.Route;
import org.apache.pekko.http.scaladsl.model.IllegalRequestException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Which paths the API for operators has, and what they mean; docs/admin-api.md says it in full. */
final class AdminRoutes extends AllDirectives {
  /**
   * No request needs a body yet; whatever is sent is read up to here, so that it is out of the way.
   */
  static final long MAX_BODY_BYTES = 16 * 1024;

  /** How long a body may take. */
  private static final Duration BODY_WITHIN = Duration.ofSeconds(5);

  private static final Logger log = LoggerFactory.getLogger(AdminRoutes.class);

  private final Operations operations;
  private final AdminGate gate;

  AdminRoutes(Operations operations, AdminGate gate) {
    this.operations = operations;
    this.gate = gate;
  }

  Route routes() {
    return handleExceptions(
        exceptions(),
        () ->
            handleRejections(
                rejections(),
                () ->
                    extractRequest(
                        request ->
                            gate.foreign(request)
                                .<Route>map(why -> problem(403, why))
                                .orElseGet(() -> withoutBody(request)))));
  }

  private Route withoutBody(HttpRequest request) {
    if (request.entity().getContentLengthOption().orElse(0) > MAX_BODY_BYTES) {
      return problem(413, "a body of more than " + MAX_BODY_BYTES + " bytes (expected: none)");
    }
    return toStrictEntity(BODY_WITHIN, MAX_BODY_BYTES, () -> api(request));
  }

  private Route api(HttpRequest request) {
    return pathPrefix(
        segment("api").slash("v1"),
        () ->
            concat(
                path("status", () -> get(() -> status(request))),
                path("sessions", () -> get(() -> sessions(request))),
                path(segment("sessions").slash(segment()), id -> session(request, id)),
                path(
                    segment("sessions").slash(segment()).slash(segment()),
                    (realm, id) -> session(request, realm + "/" + id)),
                path(segment("control-plane").slash("restart"), () -> post(() -> restart(request))),
                path("events", () -> get(() -> events(request))),
                path("drain", () -> post(() -> drain(request)))));
  }

  /** GET /api/v1/status: what is this gateway doing, and what does it know of the others? */
  private Route status(HttpRequest request) {
    return allowed(
        request, null, principal -> complete(Answers.json(StatusCodes.OK, operations.status())));
  }

  /** GET /api/v1/sessions?after=KEY&limit=N: which sessions are there, in the whole cluster? */
  private Route sessions(HttpRequest request) {
    return allowed(
        request,
        null,
        principal ->
            parameterMap(
                given -> {
                  onlyKnown(given, "after", "limit");
                  SessionKey after = given.containsKey("after") ? key("after", given) : null;
                  int limit = limit(given.getOrDefault("limit", "" + Operations.MAX_PAGE));
                  return answered(
                      operations.sessions(after, limit),
                      page -> Answers.json(StatusCodes.OK, page));
                }));
  }

  private Route session(HttpRequest request, String text) {
    return concat(
        get(() -> show(request, key("session", text))),
        delete(() -> close(request, key("session", text))));
  }

  /** GET /api/v1/sessions/ID or /REALM/ID: through which tunnels can it be reached? */
  private Route show(HttpRequest request, SessionKey session) {
    return allowed(
        request,
        session,
        principal ->
            answered(
                operations.session(session),
                found ->
                    found
                        .map(answer -> Answers.json(StatusCodes.OK, answer))
                        .orElseGet(() -> unknown(session))));
  }

  /** DELETE /api/v1/sessions/ID or /REALM/ID: ends its tunnels, wherever they are. */
  private Route close(HttpRequest request, SessionKey session) {
    return allowed(
        request,
        session,
        principal -> {
          ordered("close", principal, "session", session);
          return answered(
              operations.close(session),
              outcome ->
                  outcome
                      .map(answer -> Answers.json(StatusCodes.OK, answer))
                      .orElseGet(() -> unknown(session)));
        });
  }

  /**
   * POST /api/v1/control-plane/restart?all=BOOLEAN: a new actor system here, or in every gateway.
   */
  private Route restart(HttpRequest request) {
    return allowed(
        request,
        null,
        principal ->
            parameterMap(
                given -> {
                  onlyKnown(given, "all");
                  boolean all = yesOrNo("all", given.getOrDefault("all", "false"));
                  ordered("restart-control-plane", principal, "all", all);
                  operations.restartControlPlane(all, "by order of " + shownName(principal));
                  return complete(
                      Answers.json(
                          StatusCodes.ACCEPTED, Map.of("restarting", all ? "all" : "this")));
                }));
  }

  /**
   * GET /api/v1/events: what becomes of sessions, as server-sent events, until one side ends it.
   */
  private Route events(HttpRequest request) {
    return allowed(
        request,
        null,
        principal ->
            operations.feed().hasRoom()
                ? complete(Answers.stream(EventStream.TYPE, EventStream.of(operations.feed())))
                : complete(
                    failed(
                        new Operations.UnavailableException(
                            SessionFeed.MAX_LISTENERS + " listen already"))));
  }

  /** POST /api/v1/drain: the gateway goes, without hurting anybody, and its process ends. */
  private Route drain(HttpRequest request) {
    return allowed(
        request,
        null,
        principal -> {
          log.atInfo()
              .addKeyValue("order", "drain")
              .addKeyValue("principal", shownName(principal))
              .log("admin.ordered");
          operations.drain();
          return complete(Answers.json(StatusCodes.ACCEPTED, Map.of("draining", true)));
        });
  }

  // ---- who may, and what was given ----

  private Route allowed(HttpRequest request, SessionKey session, Function<Principal, Route> route) {
    Decision decision = gate.judge(request, session);
    if (decision instanceof Decision.Allowed allowed) {
      return route.apply(allowed.principal());
    }
    if (decision instanceof Decision.Forbidden forbidden) {
      return problem(403, forbidden.detail());
    }
    return complete(
        Answers.problem(StatusCodes.UNAUTHORIZED, ((Decision.Unauthenticated) decision).detail())
            .addHeader(RawHeader.create("WWW-Authenticate", Authorizer.CHALLENGE)));
  }

  private static void ordered(String order, Principal principal, String key, Object value) {
    log.atInfo()
        .addKeyValue("order", order)
        .addKeyValue(key, value)
        .addKeyValue("principal", shownName(principal))
        .log("admin.ordered");
  }

  private static String shownName(Principal principal) {
    return principal.name().isEmpty() ? "an operator" : principal.name();
  }

  /** A value that cannot be meant: 400. */
  private static final class BadValueException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    BadValueException(String name, String value, String expected) {
      super(
          name + ": \"" + AdminGate.shown(value) + "\" (expected: " + expected + ")",
          null,
          false,
          false);
    }

    BadValueException(String name, IllegalArgumentException refused) {
      super(name + ": " + refused.getMessage(), null, false, false);
    }
  }

  private static void onlyKnown(Map<String, String> given, String... names) {
    for (String name : given.keySet()) {
      if (!java.util.List.of(names).contains(name)) {
        throw new BadValueException("parameter", name, String.join(" or ", names));
      }
    }
  }

  private static SessionKey key(String name, Map<String, String> given) {
    return key(name, given.get(name));
  }

  private static SessionKey key(String name, String text) {
    try {
      return SessionKey.of(text);
    } catch (IllegalArgumentException e) {
      throw new BadValueException(name, e);
    }
  }

  private static int limit(String text) {
    try {
      int limit = Integer.parseInt(text);
      if (limit >= 1 && limit <= Operations.MAX_PAGE) {
        return limit;
      }
    } catch (NumberFormatException e) {
      // Said below, as for a number that is too small or too large.
    }
    throw new BadValueException("limit", text, "1 to " + Operations.MAX_PAGE);
  }

  private static boolean yesOrNo(String name, String text) {
    return switch (text) {
      case "true" -> true;
      case "false" -> false;
      default -> throw new BadValueException(name, text, "true or false");
    };
  }

  // ---- what goes wrong ----

  private <T> Route answered(CompletionStage<T> stage, Function<T, HttpResponse> render) {
    return completeWithFuture(
        stage.handle(
            (answer, failure) -> failure == null ? render.apply(answer) : failed(failure)));
  }

  private Route problem(int status, String detail) {
    return complete(Answers.problem(StatusCodes.get(status), detail));
  }

  private static HttpResponse unknown(SessionKey session) {
    return Answers.problem(StatusCodes.NOT_FOUND, "unknown session: " + session);
  }

  private static HttpResponse failed(Throwable thrown) {
    Throwable failure =
        thrown instanceof CompletionException && thrown.getCause() != null
            ? thrown.getCause()
            : thrown;
    if (failure instanceof BadValueException) {
      return Answers.problem(StatusCodes.BAD_REQUEST, failure.getMessage());
    }
    if (failure instanceof Operations.NoClusterException) {
      return Answers.problem(StatusCodes.CONFLICT, failure.getMessage());
    }
    if (failure instanceof Operations.UnavailableException) {
      return Answers.problem(StatusCodes.SERVICE_UNAVAILABLE, failure.getMessage())
          .addHeader(RawHeader.create("Retry-After", "1"));
    }
    if (failure instanceof IllegalRequestException illegal) {
      return Answers.problem(StatusCodes.get(illegal.status().intValue()), illegal.getMessage());
    }
    log.atError().setCause(failure).log("admin.failed");
    return Answers.problem(
        StatusCodes.INTERNAL_SERVER_ERROR, "the gateway's log says what went wrong");
  }

  private ExceptionHandler exceptions() {
    return ExceptionHandler.newBuilder().matchAny(thrown -> complete(failed(thrown))).build();
  }

  private RejectionHandler rejections() {
    return RejectionHandler.newBuilder()
        .handleAll(
            MethodRejection.class,
            rejected -> {
              String allowed =
                  rejected.stream()
                      .map(each -> each.supported().value())
                      .collect(Collectors.toCollection(TreeSet::new))
                      .stream()
                      .collect(Collectors.joining(", "));
              return complete(
                  Answers.problem(
                          StatusCodes.METHOD_NOT_ALLOWED,
                          "a method that this path does not have (expected: " + allowed + ")")
                      .addHeader(RawHeader.create("Allow", allowed)));
            })
        .handle(
            Rejection.class,
            rejected ->
                problem(
                    400, "a request that cannot be meant: " + rejected.getClass().getSimpleName()))
        .handleNotFound(
            problem(404, "no such path (expected: /api/v1/status, /api/v1/sessions ...)"))
        .build();
  }
}

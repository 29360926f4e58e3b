package dev.warren.gateway.access;

/**
 * Allows everything to everybody. Only for a gateway that listens on loopback, where whoever can
 * connect could read its files as well; {@link dev.warren.gateway.GatewaySettings} sees to that.
 */
public final class OpenAuthorizer implements Authorizer {
  @Override
  public Decision judge(AccessRequest request) {
    return new Decision.Allowed(Principal.ANONYMOUS);
  }
}

// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.kubernetes;

import dev.meshcni.config.DaemonException;
import dev.meshcni.kubeconfig.ClusterAccess;
import dev.meshcni.kubeconfig.Credential;
import dev.meshcni.kubeconfig.Impersonation;
import dev.meshcni.kubeconfig.Kubeconfig;
import dev.meshcni.kubeconfig.KubeconfigFiles;
import io.fabric8.kubernetes.client.Config;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Finds out how the API server is reached, without asking it. */
public final class ClientConfig {
    private ClientConfig() {}

    /**
     * The configuration of a client.
     *
     * @param kubeconfig a kubeconfig file; empty for those that {@code KUBECONFIG} names, the one in the home
     *     directory, or the ServiceAccount of the pod that this runs in
     * @param context a context of the kubeconfig; empty for its current one
     * @param requestTimeout how long one request may take
     * @throws DaemonException if the kubeconfig cannot be read, or its context, cluster or user is missing or unusable,
     *     or there is neither a kubeconfig nor a ServiceAccount
     */
    public static ApiAccess of(Optional<Path> kubeconfig, Optional<String> context, Duration requestTimeout) {
        Map<String, String> environment = System.getenv();
        List<Path> files = KubeconfigFiles.find(kubeconfig, environment);
        ApiAccess access = files.isEmpty()
                ? ofServiceAccount()
                : of(Kubeconfig.read(files).access(context, environment), requestTimeout);
        access.config().setRequestTimeout(Math.toIntExact(requestTimeout.toMillis()));
        access.config().setConnectionTimeout(Math.toIntExact(requestTimeout.toMillis()));
        return access;
    }

    private static ApiAccess ofServiceAccount() {
        Config config = Config.autoConfigure(null);
        if (config.getMasterUrl().startsWith(Config.DEFAULT_MASTER_URL)) {
            throw new DaemonException(
                    "no cluster configured: no kubeconfig in KUBECONFIG or ~/.kube/config, and not running in a pod;"
                            + " set --kubeconfig");
        }
        return new ApiAccess(config.getMasterUrl(), config, new ApiTransport(Optional.empty(), Optional.empty()));
    }

    private static ApiAccess of(ClusterAccess access, Duration timeout) {
        Config config = Config.empty();
        config.setMasterUrl(access.requested().toString());
        access.namespace().ifPresent(config::setNamespace);
        switch (access.credential()) {
            case Credential.None _ -> config.setOauthToken("");
            case Credential.Bearer bearer -> config.setOauthTokenProvider(bearer.token()::get);
            case Credential.Basic basic -> {
                config.setUsername(basic.username());
                config.setPassword(basic.password());
            }
        }
        impersonate(config, access.impersonation());
        return new ApiAccess(
                access.server().toString(),
                config,
                new ApiTransport(
                        Optional.of(access.tls()),
                        access.route().map(route -> new ApiTransport.Detour(route, timeout))));
    }

    private static void impersonate(Config config, Impersonation impersonation) {
        impersonation.user().ifPresent(config::setImpersonateUsername);
        impersonation.uid().ifPresent(uid -> config.setCustomHeaders(Map.of("Impersonate-Uid", uid)));
        if (!impersonation.groups().isEmpty()) {
            config.setImpersonateGroups(impersonation.groups().toArray(String[]::new));
        }
        if (!impersonation.extra().isEmpty()) {
            config.setImpersonateExtras(impersonation.extra());
        }
    }
}

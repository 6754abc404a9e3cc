// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.it.cluster;

import static org.assertj.core.api.Assertions.assertThat;

import io.fabric8.kubernetes.api.model.HasMetadata;
import io.fabric8.kubernetes.api.model.rbac.ClusterRole;
import io.fabric8.kubernetes.api.model.rbac.PolicyRule;
import io.fabric8.kubernetes.api.model.rbac.Role;
import io.fabric8.kubernetes.client.utils.Serialization;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** A daemon that lacks one of its permissions says which, in its log and to {@code meshcni doctor}. */
@InCluster
class DeniedRightsTest {
    /** With all that needs permissions. */
    private static final String SETTINGS = "{nodeTaint: true, repair: {labelPods: true}}";

    private final Cluster cluster;
    private final Installation installation;

    DeniedRightsTest(Cluster cluster) {
        this.cluster = cluster;
        this.installation = cluster.installation();
    }

    /** A watch that was denied is tried again only after a while, and tells of the next uninstallation. */
    @AfterAll
    static void startWithAllRights(Cluster cluster) {
        cluster.installation().restart();
        cluster.installation().awaitReady();
    }

    /** Every verb of every rule of the manifest: the name of its role, its resource and the verb. */
    static Stream<Arguments> rights() {
        return Installation.resources(Installation.manifest(SETTINGS)).stream()
                .flatMap(role -> rules(role).stream()
                        .flatMap(rule -> rule.getVerbs().stream()
                                .map(verb -> Arguments.of(
                                        role.getKind() + "/"
                                                + role.getMetadata().getName(),
                                        rule.getResources().getFirst(),
                                        verb))));
    }

    @ParameterizedTest
    @MethodSource("rights")
    void isNamed(String role, String resource, String verb) {
        String manifest = Installation.manifest(SETTINGS);
        // Whether the daemon has become ready since the last right was given back does not matter.
        installation.applyUnlessApplied(manifest);
        try {
            Cluster.kubectl(without(manifest, role, resource, verb), "apply", "--filename=-");
            installation.restart();

            String lack = "lacks " + verb + " on " + resource;
            cluster.eventually("the log says: " + lack, () -> installation.log().contains(lack));
            assertThat(Cluster.meshcni("doctor", "--cluster").result().out()).contains(lack);
        } finally {
            Cluster.kubectl(manifest, "apply", "--filename=-");
        }
    }

    /** A role of the manifest without one right. */
    static String without(String manifest, String name, String resource, String verb) {
        HasMetadata role = Installation.resources(manifest).stream()
                .filter(one ->
                        name.equals(one.getKind() + "/" + one.getMetadata().getName()))
                .findFirst()
                .orElseThrow();
        List<PolicyRule> rules = rules(role);
        rules.stream()
                .filter(rule -> rule.getResources().contains(resource))
                .forEach(rule -> rule.setVerbs(rule.getVerbs().stream()
                        .filter(other -> !other.equals(verb))
                        .toList()));
        rules.removeIf(rule -> rule.getVerbs().isEmpty());
        return Serialization.asYaml(role);
    }

    private static List<PolicyRule> rules(HasMetadata resource) {
        return switch (resource) {
            case ClusterRole role -> role.getRules();
            case Role role -> role.getRules();
            default -> List.of();
        };
    }
}

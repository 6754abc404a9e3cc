// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.it;

import static org.assertj.core.api.Assertions.assertThat;

import dev.meshcni.testkit.Slow;
import java.util.Map;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A runtime that cannot delete is stuck with its sandbox, so DEL needs nothing that it does not use. */
@Tag("hostile")
@Slow
class DelOfAnythingTest {
    @ParameterizedTest
    @ValueSource(
            strings = {
                "K8S_POD_NAMESPACE=shop;K8S_POD_NAME=web;FOO=1",
                "garbage",
                "K8S_POD_NAMESPACE=shop;K8S_POD_NAME=web;",
                "IgnoreUnknown=perhaps",
                ";;=;"
            })
    void argumentsThatAddRefusesAreNothingToDel(String args) {
        Dist.needed();
        Map<String, String> environment = Map.of(
                "CNI_COMMAND",
                "DEL",
                "CNI_CONTAINERID",
                "c1",
                "CNI_IFNAME",
                "eth0",
                "CNI_PATH",
                "/x",
                "CNI_ARGS",
                args);

        Command.Result result = Command.of(Dist.program("istio-cni").toString())
                .onlyEnvironment(environment)
                .input("{\"cniVersion\":\"1.0.0\",\"name\":\"n\",\"type\":\"istio-cni\",\"exclude_namespaces\":7,"
                        + "\"cni_agent_run_dir\":\"/nonexistent\"}")
                .result();

        assertThat(result.exitCode()).as(result.out()).isZero();
        assertThat(result.out()).isEmpty();
    }
}

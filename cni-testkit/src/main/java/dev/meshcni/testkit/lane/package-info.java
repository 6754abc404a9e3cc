// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

/**
 * The quick run of the unit lane, {@code ./dev test --fast}: the tests of all modules in as few JVMs as there are
 * processors. Surefire starts one for each module.
 */
package dev.meshcni.testkit.lane;

// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.telemetry;

/**
 * The state of ambient mode in numbers.
 *
 * @param ztunnels how many connections of ztunnels there are
 * @param pods how many pods the mesh has or is to have
 * @param pending how many pods are not as they should be
 */
public record MeshNumbers(int ztunnels, int pods, int pending) {}

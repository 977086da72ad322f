"""How a leopard holds itself: a walking gait, the head, the tail; from angles to moved vertices."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from .anatomy import BONES, JOINTS, TAIL_BONES, Body

__all__ = ["Pose", "draw_pose", "later", "posed_vertices"]

Matrix = NDArray[np.float64]

#: Share of a stride after which each foot touches down: the lateral sequence walk of cats
#: (Hildebrand 1976, in Neural Control of Locomotion).
_TOUCH_DOWN: Final = {"hind_l": 0.0, "fore_l": 0.25, "hind_r": 0.5, "fore_r": 0.75}
_STANCE_SHARE: Final = 0.64


@dataclass(frozen=True, kw_only=True)
class Pose:
    """One moment of a walk. Angles in degrees; positive lifts the head or tail, turns to the left."""

    phase: float
    """0…1 through the stride."""
    stride_m: float = 0.42
    head_pitch_deg: float = 0.0
    neck_pitch_deg: float = 0.0
    head_yaw_deg: float = 0.0
    spine_pitch_deg: float = 0.0
    tail_drop_deg: float = 55.0
    """How steeply the root of the tail hangs."""
    tail_curl_deg: float = 70.0
    """How far the end of the tail comes up again."""
    tail_sway_deg: float = 0.0
    crouch_m: float = 0.0


def draw_pose(rng: np.random.Generator) -> Pose:
    """A likely moment of an undisturbed walk."""
    return Pose(
        phase=float(rng.random()),
        stride_m=float(rng.uniform(0.38, 0.58)),
        head_pitch_deg=float(rng.normal(-4.0, 7.0)),
        neck_pitch_deg=float(rng.normal(-6.0, 9.0)),
        head_yaw_deg=float(rng.normal(0.0, 10.0)),
        spine_pitch_deg=float(rng.normal(0.0, 2.0)),
        tail_drop_deg=float(np.clip(rng.normal(48.0, 14.0), 8.0, 72.0)),
        tail_curl_deg=float(np.clip(rng.normal(85.0, 35.0), 20.0, 160.0)),
        tail_sway_deg=float(rng.normal(0.0, 14.0)),
        crouch_m=float(rng.uniform(0.0, 0.025)),
    )


def later(pose: Pose, forward_m: float, rng: np.random.Generator) -> Pose:
    """The same animal `forward_m` further on: the legs have moved on, the rest a little."""
    drawn, kept = asdict(draw_pose(rng)), asdict(pose)
    mixed = {name: 0.75 * value + 0.25 * drawn[name] for name, value in kept.items()}
    # While a foot stands, the body moves one stride; a whole cycle takes 1 / stance share of that.
    cycle_m = pose.stride_m / _STANCE_SHARE
    mixed |= {
        "phase": (pose.phase + forward_m / cycle_m) % 1.0,
        "stride_m": pose.stride_m,
        "crouch_m": pose.crouch_m,
    }
    return Pose(**mixed)


def _turn(at: tuple[float, float], pitch_deg: float) -> Matrix:
    """Rotation about the y axis through (x, z); positive lifts what lies forward (+x)."""
    c, s = np.cos(np.radians(pitch_deg)), np.sin(np.radians(pitch_deg))
    m = np.eye(4)
    m[0, 0], m[0, 2], m[2, 0], m[2, 2] = c, -s, s, c
    centre = np.array([at[0], 0.0, at[1]])
    m[:3, 3] = centre - m[:3, :3] @ centre
    return m


def _swing(at: tuple[float, float], yaw_deg: float) -> Matrix:
    """Rotation about the vertical through (x, z); positive turns what lies forward to the left."""
    c, s = np.cos(np.radians(yaw_deg)), np.sin(np.radians(yaw_deg))
    m = np.eye(4)
    m[0, 0], m[0, 1], m[1, 0], m[1, 1] = c, -s, s, c
    centre = np.array([at[0], 0.0, at[1]])
    m[:3, 3] = centre - m[:3, :3] @ centre
    return m


def _angle(a: NDArray[np.float64], b: NDArray[np.float64]) -> float:
    return float(np.degrees(np.arctan2(b[1] - a[1], b[0] - a[0])))


def _reach(
    root: NDArray[np.float64], goal: NDArray[np.float64], upper_m: float, lower_m: float, bend: float
) -> NDArray[np.float64]:
    """Where the middle joint lies when two links span root → goal; `bend` +1 forward, −1 backward."""
    span = goal - root
    length = min(float(np.hypot(*span)), upper_m + lower_m - 1e-4)
    along = (upper_m**2 - lower_m**2 + length**2) / (2 * length)
    off = np.sqrt(max(upper_m**2 - along**2, 0.0))
    unit = span / np.hypot(*span)
    normal = np.array([-unit[1], unit[0]])
    middle: NDArray[np.float64] = root + along * unit + bend * off * normal
    return middle


def _foot(pose: Pose, limb: str) -> tuple[float, float, float]:
    """Foot relative to its rest place: forward (m), lift (m), and how much it is folded (0…1)."""
    at = (pose.phase - _TOUCH_DOWN[limb]) % 1.0
    half = pose.stride_m / 2.0
    if at < _STANCE_SHARE:
        return half - pose.stride_m * at / _STANCE_SHARE, 0.0, 0.0
    t = (at - _STANCE_SHARE) / (1.0 - _STANCE_SHARE)
    ease = t * t * (3 - 2 * t)
    return -half + pose.stride_m * ease, 0.055 * np.sin(np.pi * t), float(np.sin(np.pi * t) ** 0.8)


def _limb(pose: Pose, limb: str, carrier: Matrix) -> dict[str, Matrix]:
    """Bone matrices of one leg, hung on the trunk or chest that carries it."""
    fore = limb.startswith("fore")
    names = ("shoulder", "elbow", "wrist") if fore else ("hip", "knee", "hock")
    joints = [np.array(JOINTS[n]) for n in names]
    forward, lift, fold = _foot(pose, limb)
    root = (carrier @ np.array([joints[0][0], 0.0, joints[0][1], 1.0]))[[0, 2]]
    root = root + np.array([0.10 * forward if fore else 0.0, 0.0])
    push = np.clip(-forward / (pose.stride_m / 2), 0.0, 1.0) if fold == 0.0 else 0.0
    if fore:
        goal = joints[2] + np.array([forward, lift + 0.02 * push])
        foot_deg = -62.0 * fold - 22.0 * push + 6.0 * (forward > 0) * (1 - fold)
        bend = -1.0
    else:
        toe = np.array(JOINTS["toe"])
        foot_deg = -34.0 * fold - 26.0 * push + 10.0 * np.clip(forward / pose.stride_m * 2, 0, 1)
        turned = _turn((toe[0], toe[1]), foot_deg)
        hock = (turned @ np.array([joints[2][0], 0.0, joints[2][1], 1.0]))[[0, 2]]
        goal = hock + np.array([forward, lift])
        bend = 1.0
    lengths = [float(np.hypot(*(joints[i + 1] - joints[i]))) for i in range(2)]
    middle = _reach(root, goal, lengths[0], lengths[1], bend)
    goal = middle + (goal - middle) / np.hypot(*(goal - middle)) * lengths[1]
    upper = _place(joints[0], root, _angle(root, middle) - _angle(joints[0], joints[1]))
    lower = _place(joints[1], middle, _angle(middle, goal) - _angle(joints[1], joints[2]))
    side = limb[-1]
    if fore:
        paw = _place(joints[2], goal, foot_deg)
        return {f"upper_arm_{side}": upper, f"forearm_{side}": lower, f"forepaw_{side}": paw}
    foot = _place(joints[2], goal, foot_deg)
    toe_now = (foot @ np.array([toe[0], 0.0, toe[1], 1.0]))[[0, 2]]
    toes = _place(toe, toe_now, -30.0 * fold)
    return {
        f"thigh_{side}": upper,
        f"shank_{side}": lower,
        f"hindfoot_{side}": foot,
        f"hindtoes_{side}": toes,
    }


def _place(rest: NDArray[np.float64], now: NDArray[np.float64], turn_deg: float) -> Matrix:
    """Turn about a joint's rest place, then carry the joint to where it is now."""
    m = _turn((float(rest[0]), float(rest[1])), (turn_deg + 180.0) % 360.0 - 180.0)
    m[0, 3] += now[0] - rest[0]
    m[2, 3] += now[1] - rest[1]
    return m


def _bones(pose: Pose) -> dict[str, Matrix]:
    bob = 0.008 * np.cos(4 * np.pi * pose.phase)
    trunk = _turn(JOINTS["trunk"], pose.spine_pitch_deg)
    trunk[2, 3] += bob - pose.crouch_m
    chest = trunk @ _turn(JOINTS["chest"], -1.3 * pose.spine_pitch_deg)
    chest[2, 3] -= 0.006 * np.cos(4 * np.pi * pose.phase + 1.5)
    neck = chest @ _turn(JOINTS["neck"], pose.neck_pitch_deg)
    neck = neck @ _swing(JOINTS["neck"], 0.4 * pose.head_yaw_deg)
    head = neck @ _turn(JOINTS["head"], pose.head_pitch_deg - 0.6 * pose.neck_pitch_deg)
    head = head @ _swing(JOINTS["head"], 0.6 * pose.head_yaw_deg)
    bones = {"trunk": trunk, "chest": chest, "neck": neck, "head": head}
    tail = trunk
    n = len(TAIL_BONES)
    for i, name in enumerate(TAIL_BONES):
        at = (-0.50 - 0.096 * i, 0.590)
        # Hangs over the first third, then comes up again: the S of a walking leopard.
        down = pose.tail_drop_deg * (0.5, 0.3, 0.2, 0, 0, 0, 0, 0, 0)[i]
        up = pose.tail_curl_deg * max(i - 2, 0) / sum(range(n - 2))
        tail = tail @ _turn(at, down - up) @ _swing(at, pose.tail_sway_deg / n * 2)
        bones[name] = tail
    for limb in _TOUCH_DOWN:
        bones |= _limb(pose, limb, chest if limb.startswith("fore") else trunk)
    return bones


def posed_vertices(body: Body, pose: Pose) -> NDArray[np.float32]:
    """Vertices (n, 3) in metres after the pose: linear blend skinning, feet on z = 0."""
    bones = _bones(pose)
    matrices = np.stack([bones[name][:3] for name in BONES]).astype(np.float32)
    blended = np.tensordot(body.weights, matrices, 1)
    moved = np.einsum("nij,nj->ni", blended[:, :, :3], body.rest) + blended[:, :, 3]
    moved[:, 2] -= moved[:, 2].min()
    result: NDArray[np.float32] = moved.astype(np.float32)
    return result
